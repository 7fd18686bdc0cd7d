/* Who writes the answers, and where a question goes: one line below the box, for the next question.

   The server says which models there are; a conversation's model is in Gradio's hidden #dl-chosen, ""
   for the first. Models that run on this computer are offered, and used once picked. */
"use strict";

(() => {
  const { make, nameOf, say, call, toast, hidden, events } = globalThis.dateline;
  const LOOK = 400; // milliseconds between two checks whether the search has ended
  const OWN = "reader";

  const state = { told: null, drawn: "", missed: "" };

  const who = make("select", { id: "dl-model", "aria-label": "Who writes the answers", onchange: () => pick(who.value) });
  const alone = make("span", { id: "dl-model-alone" });
  const where = make("span", { id: "dl-where" });
  const look = make("button", { type: "button", id: "dl-look", className: "dl-plain", textContent: "Find models on this computer", onclick: () => search() });
  const offers = make("p", { id: "dl-offers" });
  const line = make("div", { id: "dl-models", role: "group", "aria-label": "Model", hidden: true },
    make("div", { className: "dl-models-line" }, alone, who, where, look), offers);

  const chosen = () => hidden("chosen")?.value || state.told?.models[0]?.name;
  const isOffered = (name) => state.told.offered.some((offer) => offer.name === name);

  function choose(name) {
    const field = hidden("chosen");
    if (!field) return;
    field.value = name;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    draw();
  }

  async function pick(name) {
    if (isOffered(name)) {
      try { await call("POST", "/api/v1/models", { name }); } catch (error) { toast(error.message); draw(true); return; }
      await refresh();
    }
    choose(name);
    say(`${who.selectedOptions[0]?.textContent ?? ""}: ${where.textContent}`);
  }

  async function search() {
    try { await call("POST", "/api/v1/models/search"); } catch (error) { toast(error.message); return; }
    await refresh();
    if (!state.told?.offered.length) toast("No other model was found on this computer.");
  }

  /* Load the models, and again until no search is going on. */
  async function refresh() {
    try { state.told = await call("GET", "/api/v1/models"); } catch { return; } // reported by the page's other requests
    draw();
    if (!state.told.searching) return;
    await new Promise((done) => { setTimeout(done, LOOK); });
    await refresh();
  }

  const labelOf = (model) => (model.name === OWN ? "Articles’ own words" : nameOf(model.label));

  function goes(model) {
    if (!model) return "not there any more: choose another";
    if (model.goes_to.length) return `goes to ${model.goes_to.join(" and ")}`;
    return state.told.may_use ? "stays on this computer" : "stays on Dateline’s computer";
  }

  const option = (name, text, properties = {}) => make("option", { value: name, textContent: text, ...properties });

  function draw(anew = false) {
    if (!state.told) return;
    const name = chosen();
    const looks = JSON.stringify([state.told, name]);
    if (looks === state.drawn && !anew) return;
    state.drawn = looks;
    const { models, offered, searching, may_search: maySearch } = state.told;
    const model = models.find((one) => one.name === name);
    const usable = offered.filter((offer) => !offer.remedy);
    if (!model && state.missed !== name) { state.missed = name; refresh(); } // another page may have started using it
    who.replaceChildren(...models.map((one) => option(one.name, labelOf(one))));
    if (!model) who.append(option(name, name, { disabled: true }));
    for (const program of new Set(usable.map((offer) => offer.program))) {
      who.append(make("optgroup", { label: `On this computer: ${program}` },
        ...usable.filter((offer) => offer.program === program).map((offer) => option(offer.name, nameOf(offer.label)))));
    }
    who.value = name;
    who.hidden = who.length < 2;
    alone.hidden = !who.hidden;
    alone.textContent = labelOf(models[0]);
    where.textContent = goes(model);
    where.classList.toggle("dl-away", !model || model.goes_to.length > 0);
    look.hidden = !maySearch;
    look.disabled = searching;
    look.textContent = searching ? "Looking…" : "Find models on this computer";
    offers.replaceChildren(...[...new Set(offered.map((offer) => offer.program))].map((program) => {
      const first = offered.find((offer) => offer.program === program);
      const use = make("button", { type: "button", className: "dl-plain dl-use", textContent: `Use ${nameOf(first.label)}`, onclick: () => pick(first.name) });
      return make("span", { className: "dl-offer" }, `${program} runs on this computer. `, first.remedy || use);
    }));
    line.hidden = false;
  }

  function watch() {
    const place = document.querySelector("#dl-ask");
    if (place && place.nextElementSibling !== line) place.after(line);
    draw();
  }

  events.addEventListener("taken", () => { if (!state.told) refresh(); }); // the server was away
  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; watch(); });
  }).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
  refresh();
})();
