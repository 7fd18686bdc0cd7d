/* The pages of the PDF that an article came from, as pictures in place of its text or, where there is room,
   beside it, with the chosen quote marked.

   The server draws the pages, and says where on them a quote stands, in fractions of the picture. If the
   PDF is gone, or the quote is not found on its page, a notice says so; the text has it in any case. */
"use strict";

(() => {
  const { make, nameOf, say, events, reading } = globalThis.dateline;
  const state = { as: "text", article: null, page: 1, large: false, request: 0 }; // as: text, page or both
  const wide = matchMedia("(min-width: 1700px)");

  const quiet = (text, label, onclick) => make("button", { type: "button", className: "dl-quiet", textContent: text, "aria-label": label, onclick });
  const choice = (text, as) => make("button", { type: "button", className: "dl-quiet", textContent: text, onclick: () => turn(as) });
  const choices = { text: choice("Text", "text"), page: choice("Page", "page"), both: choice("Both", "both") };
  const chosen = make("div", { className: "dl-choice", role: "group", "aria-label": "Show as" });
  const back = quiet("‹", "Previous page", () => leaf(-1));
  const on = quiet("›", "Next page", () => leaf(1));
  const place = make("span", { className: "dl-place" });
  const larger = quiet("Larger", "Larger page", () => { state.large = !state.large; show(state.page); });
  const turning = make("div", { className: "dl-turning", role: "group", "aria-label": "Pages" }, back, place, on, larger);
  const views = make("div", { className: "dl-views", hidden: true }, chosen, turning);
  const told = make("p", { className: "dl-notice", hidden: true });
  const picture = make("img", { className: "dl-picture", alt: "" });
  const marks = make("div", { className: "dl-on-page", "aria-hidden": "true" });
  const sheet = make("div", { className: "dl-sheet" }, picture, marks);
  const region = make("div", { className: "dl-pages", tabIndex: 0, role: "region", "aria-label": "Page of the PDF", hidden: true,
    onkeydown: (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by || state.large || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      leaf(by);
    } }, told, sheet);

  const pages = () => state.article?.pictures ?? 0;

  events.addEventListener("quote", () => {
    const { article, quote } = reading();
    const other = article !== state.article;
    state.article = article;
    if (other) { state.page = 1; state.large = false; }
    views.hidden = !pages();
    draw();
    if (state.as !== "text" && pages()) show(quote?.page ?? state.page);
  });

  function draw() {
    const as = pages() ? state.as : "text";
    if (as === "text") {
      delete document.body.dataset.picture;
      state.request += 1; // replies still to come are too late
    } else document.body.dataset.picture = as;
    region.hidden = turning.hidden = as === "text";
    chosen.replaceChildren(choices.text, choices.page, ...(wide.matches ? [choices.both] : []));
    for (const [name, button] of Object.entries(choices)) button.setAttribute("aria-pressed", String(name === as));
  }

  function turn(to) {
    if (state.as === to) return;
    const shown = state.as !== "text";
    state.as = to;
    draw();
    choices[to].focus();
    if (to !== "page") document.querySelector("#dl-reader-text mark.dl-current")?.scrollIntoView({ block: "center" });
    if (to === "text") say("Text");
    else show(shown ? state.page : reading().quote?.page ?? state.page);
  }

  wide.addEventListener("change", () => {
    if (state.as === "both" && !wide.matches) turn("page");
    else draw();
  });

  function leaf(by) {
    const to = state.page + by;
    if (to >= 1 && to <= pages()) show(to);
  }

  const marked = (quote) => quote?.found && quote.page <= state.page && state.page <= quote.last;

  async function show(page) {
    const request = ++state.request;
    const { article, quote } = reading();
    state.page = Math.min(Math.max(page, 1), pages());
    const name = `Page ${state.page.toLocaleString("en-GB")} of ${pages().toLocaleString("en-GB")}`;
    place.textContent = name;
    back.setAttribute("aria-disabled", String(state.page === 1));
    on.setAttribute("aria-disabled", String(state.page === pages()));
    larger.setAttribute("aria-pressed", String(state.large));
    region.toggleAttribute("data-large", state.large);
    region.setAttribute("aria-busy", "true");
    marks.replaceChildren();
    const id = encodeURIComponent(article.id);
    const [drawn, found] = await Promise.allSettled([
      got(`picture/${id}?${new URLSearchParams({ page: state.page, ...(state.large ? { large: 1 } : {}) })}`).then((reply) => reply.blob()),
      marked(quote) ? got(`marks/${id}?${new URLSearchParams({ page: state.page, q: `${quote.number}.${quote.place}` })}`).then((reply) => reply.json()) : { rectangles: null },
    ]);
    if (request !== state.request) return; // another page has been requested meanwhile
    region.setAttribute("aria-busy", "false");
    const before = picture.src;
    const problem = drawn.reason?.message;
    sheet.hidden = Boolean(problem);
    if (!problem) {
      picture.src = URL.createObjectURL(drawn.value);
      picture.alt = `${name} of “${nameOf(article.title || article.id)}” as a picture; its words are under “Text”`;
      await picture.decode().catch(() => { /* its alternative text says so */ });
      if (before) URL.revokeObjectURL(before);
      if (request !== state.request) return;
    }
    const rectangles = found.value?.rectangles ?? null;
    mark(problem ? [] : rectangles ?? []);
    const lost = rectangles && !rectangles.length ? "The quote was not found on the picture of this page: see “Text”." : "";
    const more = rectangles?.length && state.page < quote.last ? "The quote goes on on the next page." : "";
    told.textContent = problem ? `This page cannot be shown: ${problem}` : found.reason?.message ?? (lost || more);
    told.hidden = !told.textContent;
    say([name, rectangles?.length ? "quote marked" : "", told.textContent].filter(Boolean).join(". "));
  }

  function mark(rectangles) {
    marks.replaceChildren(...rectangles.map(([x, y, width, height]) => {
      const node = make("span", {});
      for (const [side, part] of Object.entries({ left: x, top: y, width, height })) node.style[side] = `${100 * part}%`;
      return node;
    }));
    const first = marks.firstElementChild;
    if (!first) { region.scrollTo(0, 0); return; }
    const [seen, whole] = [first, region].map((node) => node.getBoundingClientRect());
    region.scrollTo({
      top: Math.max(0, region.scrollTop + seen.top - whole.top - region.clientHeight / 3),
      left: Math.min(...rectangles.map(([x]) => x)) * sheet.clientWidth,
    });
  }

  async function got(path) {
    let reply;
    try { reply = await fetch(new URL(path, document.baseURI), { credentials: "same-origin" }); } catch { throw new Error("is Dateline still running?"); }
    if (!reply.ok) throw new Error((await reply.json().catch(() => ({}))).message ?? `the server answered ${reply.status}.`);
    return reply;
  }

  document.querySelector("#dl-reader .dl-steps").after(views);
  document.querySelector("#dl-reader .dl-leaf").after(region);
  draw();
})();
