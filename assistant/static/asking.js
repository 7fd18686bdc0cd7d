/* Sending a question: taken out of the box at once, kept until the server has it, asked once.

   A question asked while the server is away stays in this tab, even across a reload, and is sent when
   the server is back. Each question is sent under its own name, so one that arrives twice, because it
   was unclear whether it had arrived, is answered once. Questions go one after another, since the
   next one belongs to the conversation that the first begins. */
"use strict";

(() => {
  const { ofCollection, make, say, send, hidden, events, box } = globalThis.dateline;
  const [UNSENT, DRAFT] = [`dateline-unsent${ofCollection}`, `dateline-draft${ofCollection}`]; // in this tab's session storage
  const LOOK = 1_500; // milliseconds between two checks whether the server is back

  const state = { unsent: kept(UNSENT) ?? [], going: "", taken: "", away: false, drawn: "" };

  function kept(name) {
    try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; }
  }
  function keep(name, value) {
    try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* only this page knows it, then */ }
  }

  // ----------------------------------------------------------------------------------- asking

  function ask(text) {
    const question = text.trim();
    if (!question) return;
    const name = [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(36)).join("");
    state.unsent.push({ name, question });
    keep(UNSENT, state.unsent);
    next();
  }

  /* A question asked before the server has said which conversation is shown would begin another one. */
  const ready = () => Boolean(state.taken && hidden("asking"));

  function next() {
    draw();
    const first = state.unsent[0];
    if (!first || state.going || state.away || !ready()) return;
    state.going = first.name;
    send("asking", `${first.name} ${first.question}`);
  }

  function put(text) {
    const field = box();
    if (!field) return;
    field.value = text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  events.addEventListener("ask", ({ detail }) => ask(detail));

  const asked = (field) => { const text = field.value; put(""); ask(text); };

  document.addEventListener("keydown", (event) => {
    if (event.target !== box() || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    event.stopPropagation();
    asked(event.target);
  }, true);

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("#dl-go, #dl-examples button, #dl-answers .dl-next button") : null;
    if (!button || !box()) return;
    if (button.id === "dl-go") asked(box());
    else if (!state.unsent.length) ask(button.textContent);
  });

  /* The server says which question it accepted, and what it returns if it could not answer. */
  function taken() {
    const told = hidden("taken")?.value ?? "";
    if (told === state.taken) return;
    state.taken = told;
    const [name] = told.split(" ", 1);
    const back = told.slice(name.length + 1);
    if (name === state.going) {
      state.unsent = state.unsent.filter((one) => one.name !== name);
      state.going = "";
      keep(UNSENT, state.unsent);
    }
    if (back && !box()?.value) put(back);
    events.dispatchEvent(new CustomEvent("taken", { detail: name }));
  }

  // ------------------------------------------------------------------------- the server is away

  const list = make("ul", { className: "dl-kept-questions" });
  const told = make("p", {});
  const notice = make("div", { id: "dl-unsent", role: "group", "aria-label": "Not asked yet", hidden: true }, told, list);

  function draw() {
    const place = document.querySelector("#dl-ask");
    if (place && notice.nextElementSibling !== place) place.before(notice);
    const drawn = JSON.stringify([state.away, state.unsent]);
    if (drawn === state.drawn) return;
    state.drawn = drawn;
    notice.hidden = !state.away;
    document.body.toggleAttribute("data-away", state.away);
    const many = state.unsent.length > 1;
    told.textContent = `Dateline does not answer: is it still running? ${!state.unsent.length ? "This page goes on as soon as it does."
      : `Your question${many ? "s are" : " is"} kept, and asked as soon as it does.`}`;
    list.replaceChildren(...state.unsent.map((one) => make("li", {},
      make("span", { textContent: one.question, dir: "auto" }),
      make("button", { type: "button", className: "dl-quiet", textContent: "Do not ask", "aria-label": `Do not ask: ${one.question}`, onclick: () => {
        state.unsent = state.unsent.filter((other) => other !== one);
        keep(UNSENT, state.unsent);
        if (!box()?.value) put(one.question);
        box()?.focus();
        draw();
      } }))));
    if (state.away) say(told.textContent);
  }

  /* Once Gradio has lost its server it sends nothing more: the page is reloaded when the server is back. */
  function away() {
    if (state.away) return;
    state.away = true;
    state.going = "";
    draw();
    look();
  }

  async function look() {
    let back = false;
    try { back = (await fetch("healthz", { cache: "no-store" })).ok; } catch { /* not yet */ }
    if (back) location.reload();
    else setTimeout(look, LOOK);
  }

  // Whatever else reloads the page, what was being typed is kept.
  addEventListener("pagehide", () => { if (state.away) keep(DRAFT, box()?.value ?? ""); });

  function restore() {
    const draft = kept(DRAFT);
    if (!draft) return;
    keep(DRAFT, "");
    if (!box().value) put(draft);
  }

  const fetched = window.fetch;
  window.fetch = async (...given) => {
    const address = new URL(given[0]?.url ?? given[0], location.href);
    const path = address.origin === location.origin ? address.pathname : "";
    // Gradio requests this when a stream that it was reading has broken off.
    if (path.endsWith("/gradio_api/app_id")) away();
    if (!path.endsWith("/gradio_api/queue/join")) return fetched(...given);
    try {
      const reply = await fetched(...given);
      if ([502, 504].includes(reply.status)) away(); // a proxy whose server is away
      else if (!reply.ok && reply.status !== 404) refused();
      return reply;
    } catch (problem) {
      away();
      throw problem;
    }
  };

  /* Too many are asking, as Gradio itself reports: the question goes back to where it was typed. */
  function refused() {
    const one = state.unsent.find((other) => other.name === state.going);
    state.going = "";
    if (!one) return;
    state.unsent = state.unsent.filter((other) => other !== one);
    keep(UNSENT, state.unsent);
    if (!box()?.value) put(one.question);
  }

  // ------------------------------------------------------------------------------- the start

  let waiting = false;
  let begun = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      taken();
      if (!begun && ready()) { begun = true; restore(); }
      next();
    });
  }).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
})();
