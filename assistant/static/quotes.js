/* The visitor's saved quotes: the list of them, and the buttons that save one from an answer, from the
   reader's mark and from a selection in it.

   The server stores them and cuts nothing: the place in the article and its words are sent, and the
   server refuses if the words do not stand there. Places count characters, as the server does, and not
   JavaScript's code units. */
"use strict";

(() => {
  const { make, named, nameOf, renew, say, day, view, call, toast, events, reading } = globalThis.dateline;
  const state = { list: [], ids: new Map(), opened: "", asked: 0, found: null };

  // ------------------------------------------------------------------------------------ the list

  const number = make("span", { className: "dl-number-of" });
  const list = make("ul", { className: "dl-saved-list" });
  const none = make("p", { className: "dl-meta", textContent: "None saved yet: use the bookmark beside a source, or select words in an article." });
  const exports = make("span", { className: "dl-exports" }, ...[["md", "Markdown"], ["docx", "Word"]].map(([kind, name]) =>
    make("a", { className: "dl-quiet", href: `api/v1/quotes.${kind}`, download: "", textContent: `.${kind}`, "aria-label": `Download all saved quotes as ${name}, .${kind}` })));
  const nav = make("section", { id: "dl-saved", "aria-labelledby": "dl-saved-heading" },
    make("div", { className: "dl-saved-head" }, make("h2", { id: "dl-saved-heading", tabIndex: -1 }, "Saved quotes ", number), exports), none, list);
  nav.toggleAttribute("data-none", true);

  /* A quote's place: its article's address, and its position there with the hash of its words. */
  function keyOf(href, at) {
    const address = new URL(href, document.baseURI);
    const named = address.searchParams.getAll("q").find((one) => one.startsWith(`${at ?? address.searchParams.get("c")}.`));
    return named ? `${address.pathname}\n${named.slice(named.indexOf(".") + 1)}` : "";
  }

  async function refresh() {
    const asked = ++state.asked;
    let told;
    try { told = await call("GET", "/api/v1/quotes"); } catch { return; }
    if (asked !== state.asked) return;
    state.list = told.quotes;
    state.ids = new Map(told.quotes.map((quote) => [keyOf(quote.read), quote.id]));
    draw();
  }

  const STATES = { there: "", changed: "The article changed since.", removed: "The article was removed." };

  function draw() {
    nav.toggleAttribute("data-none", !state.list.length);
    none.hidden = state.list.length > 0;
    exports.hidden = !state.list.length;
    number.textContent = state.list.length ? state.list.length.toLocaleString("en-GB") : "";
    if (!list.querySelector("form")) renew(list, state.list, (quote) => JSON.stringify([quote, state.opened === quote.id]), row);
    pressed();
  }

  function row(quote) {
    const from = [nameOf(quote.title || quote.article_id), nameOf(quote.source), quote.published ? day(quote.published) : ""].filter(Boolean).join(" · ");
    const link = make("a", { className: "dl-open", href: quote.read },
      make("span", { className: "dl-saved-words", dir: "auto", textContent: quote.quote }), make("span", { className: "dl-meta" }, named(from)));
    const wanted = state.opened === quote.id;
    const more = make("button", { type: "button", className: "dl-quiet dl-saved-more", textContent: "⋯", "aria-expanded": String(wanted),
      "aria-label": `Note or remove the quote “${quote.quote.slice(0, 40)}”`, onclick: () => { state.opened = wanted ? "" : quote.id; draw(); focusOn(quote.id, ".dl-saved-more"); } });
    const item = make("li", {}, make("div", { className: "dl-saved-row" }, link, more));
    item.dataset.id = quote.id;
    if (STATES[quote.state]) item.append(make("p", { className: "dl-meta dl-saved-state", textContent: STATES[quote.state] }));
    if (quote.note) item.append(make("p", { className: "dl-saved-note", dir: "auto", textContent: quote.note }));
    if (wanted) {
      item.append(make("div", { className: "dl-saved-choices" },
        make("button", { type: "button", className: "dl-quiet dl-saved-edit", textContent: quote.note ? "Change the note" : "Add a note", onclick: () => annotate(quote.id) }),
        make("button", { type: "button", className: "dl-quiet dl-saved-remove", textContent: "Remove", onclick: () => remove(quote.id) })));
    }
    return item;
  }

  const itemOf = (id) => list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  const focusOn = (id, css) => (itemOf(id)?.querySelector(css) ?? nav.querySelector("h2")).focus();

  function annotate(id) {
    const quote = state.list.find((one) => one.id === id);
    const item = itemOf(id);
    if (!quote || !item) return;
    const field = make("textarea", { value: quote.note, maxLength: 2000, rows: 2, "aria-label": "Note on this quote", dir: "auto" });
    const done = () => { form.remove(); state.opened = ""; draw(); focusOn(id, ".dl-saved-more"); };
    const form = make("form", { className: "dl-saved-form", onsubmit: async (event) => {
      event.preventDefault();
      try { await call("PATCH", `/api/v1/quotes/${encodeURIComponent(id)}`, { note: field.value }); } catch (error) { toast(error.message); return; }
      form.remove();
      state.opened = "";
      await refresh();
      focusOn(id, ".dl-saved-more");
      say("Note saved");
    }, onkeydown: (event) => {
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); done(); }
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); form.requestSubmit(); }
    } }, field, make("button", { className: "dl-quiet", textContent: "Save" }), make("button", { type: "button", className: "dl-quiet", textContent: "Cancel", onclick: done }));
    list.querySelector("form")?.remove();
    item.querySelector(".dl-saved-choices")?.remove();
    item.append(form);
    item.scrollIntoView({ block: "nearest" });
    field.focus();
  }

  async function save(given) {
    let saved;
    try { saved = await call("POST", "/api/v1/quotes", given); } catch (error) { toast(error.message); return; }
    await refresh();
    toast("Quote saved.", () => { view("quotes"); annotate(saved.id); }, "Add a note");
  }

  async function remove(id) {
    let removed;
    const within = list.contains(document.activeElement);
    try { removed = await call("DELETE", `/api/v1/quotes/${encodeURIComponent(id)}`); } catch (error) { toast(error.message); await refresh(); return; }
    await refresh();
    toast("Quote removed.", async () => {
      try { await call("POST", "/api/v1/quotes/undo", { name: removed.undo }); toast("Brought back."); } catch (error) { toast(error.message); }
      await refresh();
      if (within) focusOn(id, "a");
    });
  }

  // --------------------------------------------------------------------- the buttons that save one

  const mine = make("button", { type: "button", className: "dl-quiet dl-keep", onclick: () => {
    const { article, quote, words, href } = reading();
    const id = state.ids.get(keyInReader());
    if (id) remove(id);
    else if (quote?.found) save({ article_id: article.id, start: quote.start, end: quote.end, quote: words });
    else if (quote) save({ answer: new URL(href, document.baseURI).searchParams.get("a") ?? "", number: quote.number });
  } });

  function keyInReader() {
    const { quote, href } = reading();
    return quote && href ? `${new URL(href, document.baseURI).pathname}\n${quote.place}` : "";
  }

  const cardOf = (button) => button.closest(".dl-source")?.querySelector("a.dl-open")?.getAttribute("href") ?? "";

  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("#dl-answers .dl-keep") : null;
    if (!button || event.button !== 0) return;
    const href = cardOf(button);
    const id = state.ids.get(keyOf(href));
    const asked = new URL(href, document.baseURI).searchParams;
    if (id) remove(id);
    else save({ answer: asked.get("a") ?? "", number: Number(asked.get("c")) });
  });

  /* Gradio's sanitising of the answers removes attributes like these. */
  function pressed() {
    const set = (button, key, name) => {
      const is = String(state.ids.has(key));
      if (button.getAttribute("aria-pressed") !== is) button.setAttribute("aria-pressed", is);
      const title = is === "true" ? "Saved: remove it" : "Save quote";
      if (button.title !== title) button.title = title;
      if (name && button.getAttribute("aria-label") !== name) button.setAttribute("aria-label", name);
    };
    for (const button of document.querySelectorAll("#dl-answers .dl-keep")) set(button, keyOf(cardOf(button)));
    set(mine, keyInReader(), "Save quote");
  }
  events.addEventListener("quote", pressed);

  // --------------------------------------------------------------------------- words that are selected

  const selection = make("button", { type: "button", id: "dl-keep-selection", className: "dl-button", textContent: "Save selection", hidden: true,
    onpointerdown: () => { state.found = selected(); }, // a touch may end the selection before it becomes a click
    onmousedown: (event) => event.preventDefault(),
    onclick: () => {
      const found = state.found ?? selected();
      state.found = null;
      selection.hidden = true;
      getSelection().removeAllRanges();
      if (found) save({ article_id: reading().article.id, ...found });
    } });

  const text = () => document.querySelector("#dl-reader-text");

  /* The selected part of the article: its words without surrounding blanks, with start and end. */
  function selected() {
    if (!getSelection().rangeCount) return null;
    const whole = document.createRange();
    whole.selectNodeContents(text());
    const lost = [...text().querySelectorAll(":scope > .dl-saved")].at(-1); // before the article's own text
    if (lost) whole.setStartAfter(lost);
    const range = getSelection().getRangeAt(0).cloneRange();
    if (range.compareBoundaryPoints(Range.START_TO_START, whole) < 0) range.setStart(whole.startContainer, whole.startOffset);
    if (range.compareBoundaryPoints(Range.END_TO_END, whole) > 0) range.setEnd(whole.endContainer, whole.endOffset);
    const said = range.toString();
    const quote = said.trim();
    if (!quote) return null;
    const before = whole.cloneRange();
    before.setEnd(range.startContainer, range.startOffset);
    const start = [...before.toString()].length + [...said.slice(0, said.indexOf(quote))].length;
    return { start, end: start + [...quote].length, quote };
  }

  document.addEventListener("selectionchange", () => {
    if (state.found) return;
    const now = getSelection();
    const here = now.rangeCount > 0 && !now.isCollapsed && now.getRangeAt(0).intersectsNode(text()) && reading().article?.text;
    selection.hidden = !here || !text().checkVisibility();
  });

  // ----------------------------------------------------------------------------------- the start

  addEventListener("pointercancel", () => { state.found = null; });
  document.querySelector(".dl-steps").append(mine);
  document.querySelector("#dl-reader").append(selection);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      const before = document.querySelector("#dl-none-asked");
      if (before && !nav.isConnected) before.after(nav);
      pressed();
    });
  }).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
  pressed();
  refresh();
})();
