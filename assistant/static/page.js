/* The reader beside the chat, the keyboard shortcuts, and what a screen reader hears.

   Everything here is built from nodes and textContent: text of articles never becomes markup.
   One listener on the document serves every citation, so it survives the answer being redrawn
   while it streams. Without this script the links open articles as separate pages. */
"use strict";

(() => {
  const LINKS = "a.cite, a.dl-open";
  const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
  const KEYS = "dateline-keys";
  const ANEW = "dateline-anew";
  // What is stored for one collection, rather than for all of this address, ends with its name.
  const collection = /\/collections\/([^/]+)\/$/.exec(new URL(".", document.baseURI).pathname)?.[1] ?? "";
  const ofCollection = collection && `-${collection}`;

  const events = new EventTarget(); // through which the page's scripts notify each other
  const state = { article: null, number: null, hits: [], hit: -1, folded: null, opener: null, asked: 0, told: 0, acted: false, busy: false, request: 0 };

  const make = (name, properties = {}, ...children) => {
    const node = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.startsWith("aria-") || key === "role" || key === "for") node.setAttribute(key, value);
      else node[key] = value;
    }
    node.append(...children);
    return node;
  };

  /* A title or a source for display: without the marks that would reorder what stands beside it, and
     in its own node, so that right-to-left text does not affect its surroundings. */
  const nameOf = (text) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");
  const named = (text) => make("bdi", { textContent: nameOf(text) });

  /* Give a list one node per item. Items that look unchanged keep their nodes, and so the focus and the
     mouse: a click is lost if its node is redrawn between button down and up. */
  const looked = new WeakMap();
  function renew(list, items, looks, build) {
    const before = new Map([...list.children].map((node) => [looked.get(node), node]));
    const wanted = items.map((item) => {
      const look = looks(item);
      const node = before.get(look) ?? build(item);
      before.delete(look);
      looked.set(node, look);
      return node;
    });
    const kept = new Set(wanted);
    for (const node of [...list.children]) if (!kept.has(node)) node.remove();
    wanted.forEach((node, at) => { if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null); });
  }

  /* Send a request to the server and read its reply; an error carries the server's message. */
  async function call(method, path, body) {
    const options = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
    if (body !== undefined) {
      options.body = JSON.stringify(body);
      options.headers["Content-Type"] = "application/json";
    }
    const reply = await fetch(new URL(`.${path}`, document.baseURI), options)
      .catch(() => { throw new Error("Dateline does not answer: is it still running?"); });
    if (!reply.ok) throw new Error((await reply.json().catch(() => ({}))).message ?? `The server answered ${reply.status}.`);
    return reply.status === 204 ? null : reply.json();
  }

  // A page whose cookie was cleared, or is now another's, gets no more replies: it starts afresh with
  // its own cookie. It does not do so again at once, in case the browser keeps none.
  const asking = window.fetch;
  let ending = Promise.resolve();
  window.fetch = async (...given) => {
    // Gradio cancels everything of the same kind: a late cancellation would cancel the next question too,
    // or redraw the conversation that was left. So nothing new is asked before it is done.
    const path = new URL(given[0]?.url ?? given[0], location.href).pathname;
    if (path.endsWith("/gradio_api/cancel")) {
      const ended = asking(...given);
      ending = Promise.allSettled([ending, ended]);
      return ended;
    }
    if (/\/gradio_api\/(queue\/join|run\/predict)$/.test(path)) await ending;
    const reply = await asking(...given);
    if (reply.status === 404 && reply.headers.get("Dateline-Session") === "none") {
      const last = Number(sessionStorage.getItem(ANEW));
      if (Date.now() - last > 10_000) {
        sessionStorage.setItem(ANEW, String(Date.now()));
        location.reload();
      }
    }
    return reply;
  };

  // ------------------------------------------------------------------------------- what is built

  const status = make("div", { role: "status", className: "dl-unseen", id: "dl-status" });
  const button = (text, label, action, className = "dl-quiet") =>
    make("button", { type: "button", textContent: text, className, "aria-label": label, onclick: action });

  const heading = make("h2", { tabIndex: -1, id: "dl-reader-title" });
  const meta = make("p", { className: "dl-meta" });
  const original = make("a", { className: "dl-original", target: "_blank", rel: "noopener noreferrer", textContent: "Original" });
  const place = make("span", { className: "dl-place" });
  const previous = button("‹", "Previous quote", () => step(-1));
  const next = button("›", "Next quote", () => step(1));
  const copy = button("Copy quote", "Copy quote", () => copyQuote());
  copy.classList.add("dl-copy-quote");
  const steps = make("div", { className: "dl-steps" }, previous, place, next, copy);
  const notice = make("p", { className: "dl-notice" });
  const only = make("button", { type: "button", className: "dl-button", id: "dl-ask-this", textContent: "Ask about this article", onclick: () => askOnly() });
  const find = make("input", { type: "search", id: "dl-find", maxLength: 200, placeholder: "Find in article", "aria-label": "Find in this article", autocomplete: "off", spellcheck: false,
    oninput: () => seek(), onkeydown: (event) => { if (event.key === "Enter") { event.preventDefault(); toHit(event.shiftKey ? -1 : 1); } } });
  const hits = make("span", { className: "dl-place", id: "dl-hits" });
  const back = button("‹", "Previous place found", () => toHit(-1));
  const on = button("›", "Next place found", () => toHit(1));
  const tools = make("div", { className: "dl-tools" }, only, make("div", { className: "dl-seek", role: "search" }, find, hits, back, on));
  const central = make("ol", {});
  const about = make("dl", { className: "dl-about" });
  const brief = make("details", { className: "dl-brief", open: true }, make("summary", { textContent: "In brief" }), central, about);
  const body = make("div", { className: "dl-article", id: "dl-reader-text", dir: "auto" });
  const page = make("div", { className: "dl-leaf", tabIndex: 0, role: "region", "aria-label": "Article text" }, brief, body);
  const leave = make("button", { type: "button", className: "dl-quiet dl-back", onclick: () => close() });
  const reader = make("aside", { id: "dl-reader", "aria-labelledby": "dl-reader-title" },
    make("div", { className: "dl-reader-head" },
      make("div", { className: "dl-reader-top" },
        leave,
        button("✕", "Close the article", () => close(), "dl-quiet dl-close")),
      heading, meta, tools, steps, notice),
    page,
    make("p", { className: "dl-hint", textContent: "Select a number such as [1] to read the passage in its article." },
      make("span", { className: "dl-hint-keys" }, "\n\nPress ", make("kbd", { textContent: "?" }), " for the keys.")));

  const tab = (name, text) => make("button", { type: "button", textContent: text, value: name, onclick: () => view(name) });
  const tabs = make("nav", { id: "dl-tabs", "aria-label": "Views" },
    tab("ask", "Ask"), tab("source", "Source"), tab("articles", "Articles"), tab("history", "History"), tab("quotes", "Quotes"));
  const drawer = make("button", { type: "button", id: "dl-drawer", textContent: "Articles", "aria-expanded": "false",
    onclick: () => view(document.body.dataset.view === "articles" ? "ask" : "articles") });
  // For when the button of this name is out of sight.
  const anew = make("button", { type: "button", id: "dl-anew", textContent: "New question",
    onclick: () => document.querySelector("#dl-again")?.click() });

  const skip = make("div", { id: "dl-skip" },
    make("button", { type: "button", textContent: "Skip to the question", onclick: () => { view("ask"); box()?.focus(); } }),
    make("button", { type: "button", textContent: "Skip to the source", onclick: () => { view("source"); heading.focus(); } }));

  const keysOn = make("input", { type: "checkbox", id: "dl-keys-on", checked: stored() !== "off",
    onchange: () => { try { localStorage.setItem(KEYS, keysOn.checked ? "on" : "off"); } catch { /* not kept */ } } });
  const help = make("dialog", { id: "dl-help", className: "dl-dialog", "aria-labelledby": "dl-help-title" },
    make("div", { className: "dl-dialog-head" }, make("h2", { id: "dl-help-title", textContent: "Keys" }),
      button("✕", "Close", () => help.close(), "dl-quiet dl-x")),
    make("dl", {}, ...[
      ["Enter", "ask"], ["Shift Enter", "new line"], ["Esc", "close the source, else stop"],
      ["/", "to the question"], ["[ ]", "previous and next citation"], ["?", "this list"],
    ].flatMap(([key, what]) => [make("dt", {}, ...key.split(" ").map((one) => make("kbd", { textContent: one }))), make("dd", { textContent: what })])),
    make("p", {}, keysOn, make("label", { for: "dl-keys-on", textContent: "Use the keys / [ ] ?" })));
  help.addEventListener("click", (event) => { if (event.target === help) help.close(); }); // beside it

  /* Shown where there is a choice. Where this page is one collection's, the others are beside it. */
  const switcher = make("select", { id: "dl-collection", "aria-label": "Collection", hidden: true,
    onchange: () => { location.href = new URL(switcher.value, document.baseURI).href; } });
  const switchable = () => fetch(new URL("./collections", document.baseURI), { credentials: "same-origin" })
    .then((reply) => (reply.ok ? reply.json() : { names: [] }))
    .then(({ names }) => {
      const up = collection ? "../" : "collections/";
      switcher.replaceChildren(make("option", { value: collection ? "../../" : "./", textContent: "Main collection" }),
        ...names.map((name) => make("option", { value: `${up}${name}/`, textContent: name })));
      switcher.value = collection ? `../${collection}/` : "./";
      switcher.hidden = !names.length;
      label();
    })
    .catch(() => { /* reported by the page's other requests */ });
  switcher.addEventListener("dl-changed", switchable);
  switchable();

  function stored() {
    try { return localStorage.getItem(KEYS); } catch { return null; }
  }

  /* Gradio's hidden boxes: requests of the page's scripts go in, the server's replies come out.
     The number makes every request a change. */
  const hidden = (name) => document.querySelector(`#dl-${name} textarea`);
  let sent = 0;
  function send(name, text) {
    const field = hidden(name);
    if (!field) return 0;
    field.value = `${++sent} ${text}`;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    return sent;
  }

  const box = () => hidden("box");
  const stop = () => document.querySelector("#dl-stop");

  // ------------------------------------------------------------------------------------ the reader

  document.addEventListener("click", (event) => {
    state.acted = true;
    const link = event.target instanceof Element ? event.target.closest(`${LINKS}, a.dl-copy, a.dl-save`) : null;
    if (!link) {
      // Outside the open drawer: close it.
      if (drawer.checkVisibility() && document.body.dataset.view === "articles"
        && !event.target.closest?.("#dl-library, #dl-drawer, dialog, #dl-toast")) view("ask");
      return;
    }
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const address = new URL(link.href, location.href);
    if (address.origin !== location.origin) return;
    const read = link.matches(LINKS);
    if (!address.href.startsWith(new URL(read ? "read/" : "answer/", document.baseURI).href)) return;
    event.preventDefault();
    event.stopPropagation();
    if (read) open(link.getAttribute("href"), link);
    else if (link.matches(".dl-copy")) copyAnswer(link, address);
    else make("a", { href: address.href, download: "" }).click();
  }, true);

  async function copyAnswer(link, address) {
    const text = link.textContent;
    let done = "Copied";
    try {
      const reply = await fetch(address, { credentials: "same-origin" });
      if (!reply.ok) throw new Error(reply.status);
      await navigator.clipboard.writeText(await reply.text());
    } catch { done = "Not copied: ask again"; }
    link.textContent = done;
    say(done);
    setTimeout(() => { link.textContent = text; }, 1500);
  }

  /* The view that a link is in. */
  const placeOf = (link) => (link?.closest?.("#dl-news") ? "news" : link?.closest?.("#dl-saved") ? "quotes" : link?.closest?.("#dl-library") ? "articles" : "ask");

  async function open(href, opener) {
    const request = ++state.request;
    const address = new URL(href, location.href);
    const opened = { link: opener, href, scroll: log()?.scrollTop ?? 0 };
    current(href);
    let found;
    try {
      const reply = await fetch(address, { headers: { Accept: "application/json" }, credentials: "same-origin" });
      found = reply.ok ? await reply.json()
        : { failed: reply.status === 404 ? "This article was removed." : "The article could not be opened." };
    } catch {
      found = { failed: "The article could not be opened: is Dateline still running?", unreached: true };
    }
    if (request !== state.request) return; // another one has been opened meanwhile
    if (found.unreached && state.article && !state.article.failed) { // go on reading
      current(state.opener.href);
      toast(found.failed);
      return;
    }
    state.opener = opened;
    state.number = Number(address.searchParams.get("c")) || null;
    leave.textContent = `‹ Back to ${{ ask: "answer", news: "what’s new", articles: "articles", quotes: "quotes" }[placeOf(opener)]}`;
    // The browser's "back" closes the article, as a phone's readers expect, and "forward" opens it again.
    history[history.state?.reading ? "replaceState" : "pushState"]({ ...history.state, reading: href }, "");
    state.article = found;
    show();
    document.body.dataset.reading = "";
    view("source");
    toQuote();
    heading.focus({ preventScroll: true });
  }

  function current(href) {
    for (const link of document.querySelectorAll(LINKS)) {
      link.classList.toggle("dl-current", link.getAttribute("href") === href);
    }
  }

  function show() {
    const article = state.article;
    heading.replaceChildren(article.failed ? "Source" : named(article.title || article.id));
    const when = article.published ? day(article.published) : article.failed ? "" : "no date";
    meta.replaceChildren(...(article.source ? [named(article.source)] : []), article.source && when ? " · " : "", when);
    if (article.url) {
      original.href = article.url;
      meta.append(article.source || when ? " · " : "", original);
    }
    const wanted = (article.quotes ?? []).find((quote) => quote.number === state.number);
    notice.textContent = article.failed ?? (wanted && !wanted.found ? lost(article, wanted) : "");
    notice.hidden = !notice.textContent;
    tools.hidden = Boolean(article.failed || article.removed);
    brief.hidden = !article.brief?.length;
    brief.open = true;
    central.replaceChildren(...(article.brief ?? []).map(({ number, text, read }) => make("li", { dir: "auto" },
      make("a", { href: read, className: "dl-to", textContent: text, onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        event.preventDefault();
        toCentral(number);
      } }))));
    about.replaceChildren(...Object.entries(article.about ?? {}).flatMap(([kind, names]) => [make("dt", { textContent: kind }),
      make("dd", {}, ...names.map((name) => make("button", { type: "button", textContent: name, title: "Find in article", onclick: () => { find.value = name; seek(); } })))]));
    Object.assign(article, { text: (article.segments ?? []).map(({ text }) => text).join("") });
    article.signs = article.markdown ? signsOf(article.text) : [];
    Object.assign(state, { hits: [], hit: -1, folded: null });
    find.value = hits.textContent = "";
    back.hidden = on.hidden = true;
    draw();
    page.scrollTop = 0;
  }

  function draw() {
    const article = state.article;
    let at = 0;
    const nodes = (article.segments ?? []).flatMap(({ text, numbers }) => {
      const pieces = drawn(text, at, article.signs);
      at += text.length;
      if (!numbers.length) return pieces;
      const mark = make("mark", { className: article.brief?.length ? "dl-central" : "" }, ...pieces);
      mark.dataset.numbers = numbers.join(" ");
      return [mark];
    });
    // Quotes that no longer stand in the text come before it, as they were saved with the answer.
    const saved = (article.quotes ?? []).filter((quote) => quote.saved).map((quote) => {
      const mark = make("mark", { textContent: quote.saved });
      mark.dataset.numbers = quote.number;
      return make("blockquote", { className: "dl-saved" }, mark);
    });
    body.replaceChildren(...saved, ...nodes);
    mark();
  }

  function mark() {
    const current = marks();
    for (const one of body.querySelectorAll("mark")) one.classList.toggle("dl-current", current.includes(one));
    return current;
  }

  function toCentral(number) {
    state.number = number;
    toQuote();
    page.focus({ preventScroll: true });
    say(place.textContent);
  }

  function askOnly() {
    send("narrowing", String(new URLSearchParams({ article: state.article.id })));
    view("ask");
    box()?.focus();
    say(`Only this article is asked: ${heading.textContent}`);
  }

  // ------------------------------------------------------------------------------ find in the article

  /* A text as it is searched, ignoring case, accents and the kinds of blanks and quotation marks, with
     the position in the text where each of its characters begins. */
  function folded(text) {
    const [letters, places] = [[], []];
    let at = 0;
    for (const one of text) {
      const plain = one.normalize("NFKD").replace(/\p{M}/gu, "").replace(/\s/, " ").replace(/[‘’]/, "'").replace(/[“”„]/, '"').toLowerCase();
      for (const letter of plain) { letters.push(letter); places.push(at); }
      at += one.length;
    }
    return { letters: letters.join(""), places: [...places, at], units: letters };
  }

  /* All places where these words occur, each with its start and end. */
  function placesOf(words) {
    const wanted = folded(words.trim()).letters;
    if (!wanted) return [];
    state.folded ??= folded(state.article.text);
    const { letters, places, units } = state.folded;
    // Beyond the basic plane a letter is two code units of the searched text.
    const unitOf = units.length === letters.length ? null : units.flatMap((letter, place) => Array(letter.length).fill(place));
    const place = (unit) => places[unitOf ? (unitOf[unit] ?? units.length) : unit];
    const found = [];
    for (let at = letters.indexOf(wanted); at >= 0; at = letters.indexOf(wanted, at + wanted.length)) {
      found.push({ start: place(at), end: place(at + wanted.length) });
    }
    return found;
  }

  function seek() {
    if (!state.article?.text) return;
    state.hits = placesOf(find.value);
    state.hit = -1;
    back.hidden = on.hidden = state.hits.length < 2;
    draw();
    if (state.hits.length) toHit(1);
    else {
      hits.textContent = find.value.trim() ? "Not found" : "";
      if (hits.textContent) say(hits.textContent);
    }
  }

  function toHit(by) {
    if (!state.hits.length) return;
    state.hit = (state.hit + by + state.hits.length) % state.hits.length;
    hits.textContent = `${state.hit + 1} of ${state.hits.length.toLocaleString("en-GB")}`;
    say(hits.textContent);
    const now = [...body.querySelectorAll(".dl-found")].filter((one) => {
      const is = Number(one.dataset.hit) === state.hit;
      one.classList.toggle("dl-now", is);
      return is;
    });
    if (now.length) scrollTo(now[0]);
  }

  const scrollTo = (node) => page.scrollTo({
    top: Math.max(0, page.scrollTop + node.getBoundingClientRect().top - page.getBoundingClientRect().top - page.clientHeight / 3),
    behavior: still() ? "auto" : "smooth",
  });

  /* Which of the matches covers this position in the text; -1 if none. They are in order. */
  function hitAt(place) {
    let [low, high] = [0, state.hits.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (state.hits[middle].end <= place) low = middle + 1;
      else high = middle;
    }
    return state.hits[low]?.start <= place ? low : -1;
  }

  /* Markdown's syntax, which is there for programs: each piece's start and end, and what is between
     them. It stays in the text, hidden, so that every quote keeps its place. */
  function signsOf(text) {
    const found = [];
    const hide = (start, end) => found.push({ start, end, className: "dl-sign" });
    for (const match of text.matchAll(/\\(?=[!-/:-@[-`{-~])/g)) hide(match.index, match.index + 1);
    for (const match of text.matchAll(/^ {0,3}#{1,6}[ \t]+(?=\S)(.*)$/gm)) {
      const end = match.index + match[0].length;
      hide(match.index, end - match[1].length);
      found.push({ start: end - match[1].length, end, className: "dl-strong" });
    }
    for (const match of text.matchAll(/(?<![\\\w*])(\*{1,3}|(?<!_)_{1,3})(?=[^\s*_])([^\n]*?[^\s\\*_])\1(?![\w*])/g)) {
      const [start, end, width] = [match.index, match.index + match[0].length, match[1].length];
      hide(start, start + width);
      hide(end - width, end);
      found.push({ start: start + width, end: end - width, className: width === 1 ? "dl-emphasis" : "dl-strong" });
    }
    for (const match of text.matchAll(/(?<!\\)!?\[([^\]\n]*)\]\([^()\s]*(?: "[^"\n]*")?\)/g)) {
      const lead = match[0].indexOf("[") + 1;
      hide(match.index, match.index + lead);
      hide(match.index + lead + match[1].length, match.index + match[0].length);
    }
    return found;
  }

  /* A piece of text that begins at `at`, as nodes split where syntax begins and ends. */
  function drawn(text, at, signs) {
    const end = at + text.length;
    const here = signs.filter((sign) => sign.start < end && sign.end > at);
    const cuts = [...new Set([at, end, ...[...here, ...state.hits].flatMap((sign) => [sign.start, sign.end]).filter((cut) => cut > at && cut < end)])].sort((a, b) => a - b);
    return cuts.slice(0, -1).map((from, number) => {
      const piece = text.slice(from - at, cuts[number + 1] - at);
      const names = here.filter((sign) => sign.start <= from && sign.end > from).map((sign) => sign.className);
      const hit = hitAt(from);
      if (hit >= 0) names.push("dl-found");
      if (!names.length) return document.createTextNode(piece);
      const node = make("span", { textContent: piece, className: names.join(" ") });
      if (hit >= 0) node.dataset.hit = hit;
      return node;
    });
  }

  function lost(article, quote) {
    const what = article.removed ? "This article was removed." : `This article changed after ${article.since}.`;
    return `${what} ${quote.saved ? "Quote shown as saved." : "The quote no longer stands in it."}`;
  }

  const quotes = () => (state.article?.quotes ?? []).filter((quote) => quote.found || quote.saved).map((quote) => quote.number);

  const marks = () => [...body.querySelectorAll("mark")]
    .filter((mark) => mark.dataset.numbers.split(" ").includes(String(state.number)));

  function toQuote() {
    const numbers = quotes();
    const at = numbers.indexOf(state.number);
    steps.hidden = at < 0;
    const page = state.article?.quotes?.find((quote) => quote.number === state.number)?.page;
    place.textContent = `${state.article.brief?.length ? "Sentence" : "Quote"} ${at + 1} of ${numbers.length}${page ? ` · page ${page}` : ""}`;
    previous.hidden = next.hidden = numbers.length < 2;
    const [first] = mark();
    if (first) scrollTo(first);
    events.dispatchEvent(new Event("quote"));
  }

  function step(by) {
    const numbers = quotes();
    const at = numbers.indexOf(state.number);
    state.number = numbers[(at + by + numbers.length) % numbers.length];
    toQuote();
    say(place.textContent);
  }

  /* The article being read, the chosen quote in it, and the address at which it was opened. */
  function reading() {
    const quote = state.article?.quotes?.find((one) => one.number === state.number);
    return { article: state.article, quote, words: words(), href: state.opener?.href };
  }

  const words = () => marks().map((mark) => mark.textContent).join("");

  async function copyQuote() {
    const quote = words();
    const { title, id, source, published } = state.article;
    const from = [nameOf(title || id), nameOf(source ?? ""), published ? day(published) : ""].filter(Boolean).join(", ");
    let done = "Copied";
    try { await navigator.clipboard.writeText(`“${quote}” — ${from}`); } catch { done = "Not copied"; }
    copy.textContent = done;
    say(done);
    setTimeout(() => { copy.textContent = "Copy quote"; }, 1500);
  }

  function close() {
    if (!("reading" in document.body.dataset)) return view("ask");
    shut();
    if (history.state?.reading) history.back(); // the step that opening it made
  }

  addEventListener("popstate", ({ state: step }) => {
    if (step?.reading) open(step.reading, linkTo(step.reading));
    else if ("reading" in document.body.dataset) shut();
    else state.request += 1; // what is still being opened
  });

  const linkTo = (href) => [...document.querySelectorAll(LINKS)].find((link) => link.getAttribute("href") === href);

  function shut() {
    const opener = state.opener;
    state.request += 1;
    state.article = null;
    delete document.body.dataset.reading;
    for (const link of document.querySelectorAll(".dl-current")) link.classList.remove("dl-current");
    heading.textContent = "Source";
    body.replaceChildren();
    central.replaceChildren();
    view(placeOf(opener?.link).replace("news", "ask")); // it is there
    // The answer may have been redrawn since: look for the same link again.
    const again = opener?.link?.isConnected ? opener.link : linkTo(opener?.href);
    (again ?? box())?.focus({ preventScroll: true });
    if (log() && opener) log().scrollTop = opener.scroll;
  }

  function view(name) {
    if (name === "quotes" && !tabs.checkVisibility()) name = drawer.checkVisibility() ? "articles" : "ask"; // they are there
    document.body.dataset.view = name;
    for (const one of tabs.children) one.setAttribute("aria-current", String(one.value === name));
    drawer.setAttribute("aria-expanded", String(name === "articles"));
  }

  // -------------------------------------------------------------------------------------- the keys

  document.addEventListener("keydown", (event) => {
    state.acted = true;
    const writing = event.target instanceof Element && event.target.closest("input, textarea, select, [contenteditable]");
    if (event.isComposing || event.keyCode === 229) {
      // While an input method is composing, Enter chooses a word and does not ask.
      if (event.key === "Enter" || event.keyCode === 229) event.stopPropagation();
      return;
    }
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && !event.defaultPrevented) {
      if (event.target instanceof Element && event.target.closest(".dl-talk-name")) return; // leaves the name alone
      if (event.target === find && find.value) {
        event.preventDefault();
        find.value = "";
        seek();
        return;
      }
      if (event.target instanceof Element && event.target.getAttribute("aria-expanded") === "true"
        && event.target.getAttribute("role") === "combobox") return;
      if ("reading" in document.body.dataset) close();
      else if (["articles", "history", "quotes"].includes(document.body.dataset.view)) view("ask");
      else if (stop()) stop().click();
      return;
    }
    if (writing || !keysOn.checked || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { view("ask"); box()?.focus(); }
    else if (event.key === "[") turn(-1);
    else if (event.key === "]") turn(1);
    else if (event.key === "?") help.showModal();
    else return;
    event.preventDefault();
  }, true);

  function turn(by) {
    const links = [...document.querySelectorAll("#dl-answers a.cite")];
    if (!links.length) return;
    const at = links.findIndex((link) => link.classList.contains("dl-current"));
    const to = at < 0 ? (by > 0 ? 0 : links.length - 1) : (at + by + links.length) % links.length;
    open(links[to].getAttribute("href"), links[to]);
  }

  // --------------------------------------------------------------------------------- the transcript

  const log = () => document.querySelector("#dl-answers [role=log]");

  function watch() {
    const transcript = log();
    if (!transcript) return;
    // Its own announcements would repeat the growing paragraph with every chunk.
    if (transcript.getAttribute("aria-live") !== "off") {
      transcript.setAttribute("aria-live", "off");
      transcript.setAttribute("aria-label", "Questions and answers");
    }
    for (const row of transcript.querySelectorAll("[data-testid][aria-label]")) row.removeAttribute("aria-label");
    const asked = transcript.querySelectorAll(".user-row");
    if (asked.length !== state.asked) document.body.toggleAttribute("data-asked", asked.length > 0);
    if (asked.length > state.asked) {
      // The question goes to the top, its answer grows below it: nothing moves while it is read.
      const [row, frame] = [asked[asked.length - 1], transcript].map((node) => node.getBoundingClientRect().top);
      const top = transcript.scrollTop + row - frame;
      transcript.scrollTo({ top, behavior: still() || state.asked === 0 ? "auto" : "smooth" });
      view("ask");
    }
    state.asked = asked.length;
    const rows = [...transcript.querySelectorAll(".bot-row")];
    const last = rows[rows.length - 1];
    if (last && !last.querySelector(".dl-working, .dl-text, .dl-error, .dl-notice")) return; // not drawn yet
    const busy = Boolean(last?.querySelector(".dl-working"));
    if (busy !== state.busy && last) say(busy ? "Searching" : outcome(last));
    else if (!busy && rows.length > state.told && rows.length >= asked.length && state.acted) {
      // So quick that it was never seen working: it is announced all the same. Answers that merely come
      // back with a reload are not.
      say("Searching");
      setTimeout(() => { if (!state.busy) say(outcome(last)); }, 100);
    }
    if (!busy) state.told = rows.length;
    state.busy = busy;
  }

  function outcome(row) {
    const told = row.querySelector(".dl-error");
    if (told) return told.textContent;
    const cited = row.querySelectorAll(".dl-sources .dl-source").length;
    const stoppedEarly = row.textContent.includes("Stopped.") && row.querySelector(".dl-notice");
    if (stoppedEarly) return "Stopped";
    if (cited) return `Answer ready, ${cited} ${cited === 1 ? "source" : "sources"}`;
    const closest = row.querySelectorAll(".dl-closest .dl-source").length;
    return closest ? `Not answered, ${closest} closest ${closest === 1 ? "passage" : "passages"}` : "Answer ready";
  }

  /* What is wrong with a date box's content, in words; "" if nothing. */
  function wrong(text) {
    const [, y, m, d] = /^(\d{4})-?(\d\d)-?(\d\d)$/.exec(text) ?? [];
    const found = new Date(Date.UTC(y, m - 1, d));
    const is = y && found.getUTCMonth() === m - 1 && found.getUTCDate() === Number(d);
    return !text || is ? "" : `“${text}” is not a date: write it as 2025-07-26.`;
  }

  /* A date is checked in place: when its box is left, and while an error in it is being corrected. */
  function judge(leaving) {
    const fields = [...document.querySelectorAll("#dl-dates input")];
    const [from, to] = fields.map((field) => field.value.trim().replaceAll("-", ""));
    fields.forEach((field, at) => {
      const block = field.closest(".block");
      let told = wrong(field.value.trim());
      if (!told && at === 1 && from && to && !wrong(fields[0].value.trim()) && from > to) told = "This is before “From”: no article is of these days.";
      if (told && !leaving && field.getAttribute("aria-invalid") !== "true") return;
      let fault = block.querySelector(".dl-error");
      if (!fault) {
        fault = make("p", { className: "dl-error", id: `dl-date-fault-${at}`, role: "alert" });
        block.append(fault);
        field.setAttribute("aria-describedby", fault.id);
      }
      if (fault.textContent !== told) fault.textContent = told;
      field.setAttribute("aria-invalid", String(Boolean(told)));
    });
  }

  const ofDates = (event) => event.target instanceof Element && event.target.matches("#dl-dates input");
  document.addEventListener("input", (event) => { if (ofDates(event)) judge(false); });
  document.addEventListener("focusout", (event) => { if (ofDates(event)) judge(true); });
  document.addEventListener("keydown", (event) => { if (ofDates(event) && event.key === "Enter") judge(true); });

  function label() {
    if (!switcher.hidden && !switcher.isConnected) document.querySelector("#dl-heading")?.append(switcher);
    box()?.setAttribute("dir", "auto");
    // Gradio's date boxes have no accessible names.
    document.querySelectorAll("#dl-dates .block").forEach((block) => {
      const name = block.querySelector("[data-testid=block-info]")?.textContent.trim();
      const field = block.querySelector("input");
      if (field && !field.hasAttribute("aria-label")) {
        field.setAttribute("aria-label", `${name} (year-month-day)`);
        block.querySelector("button")?.setAttribute("aria-label", `${name}: choose a day`);
      }
    });
    for (const picker of document.querySelectorAll(".picker-container")) {
      // Gradio opens it below its box, however little room there is.
      const over = picker.getBoundingClientRect().bottom + 8 - innerHeight;
      if (over > 0) picker.style.top = `${Math.max(8, picker.getBoundingClientRect().top - over)}px`;
    }
    document.querySelectorAll(".picker-container .nav-button").forEach((button, at) => {
      if (!button.hasAttribute("aria-label")) button.setAttribute("aria-label", at ? "Next month" : "Previous month");
    });
  }

  const say = (text) => { if (status.textContent !== text) status.textContent = text; };
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  const day = (iso) => { const [y, m, d] = iso.split("-"); return `${Number(d)} ${MONTHS[m - 1]} ${y}`; };

  // ------------------------------------------------------------------------------------ the toast

  const [UNDO, TOLD] = [10_000, 4_000]; // milliseconds for which a notice stays, with a button and without
  const toasted = make("div", { id: "dl-toast", hidden: true });
  let gone = 0;

  /* A notice for a few seconds; with `undo`, a focused button that undoes what it reports. With another
     `name`, the button does something else, and the focus stays where it is. */
  function toast(text, undo, name = "Undo") {
    clearTimeout(gone);
    toasted.replaceChildren(make("span", { textContent: text }));
    toasted.hidden = false;
    if (undo) {
      const more = () => { toasted.hidden = true; undo(); };
      const back = make("button", { type: "button", id: "dl-undo", className: "dl-plain", textContent: name, onclick: name === "Undo" ? undo : more });
      toasted.append(" ", back);
      if (name === "Undo") back.focus({ preventScroll: true });
    }
    say(undo ? `${text} ${name}` : text);
    const end = () => {
      // It stays longer while the keyboard focus or the mouse is on it.
      if (toasted.matches(":hover, :has(:focus-visible)")) gone = setTimeout(end, 1_000);
      else toasted.hidden = true;
    };
    gone = setTimeout(end, undo ? UNDO : TOLD);
  }

  // Where an article is in sight, that is what is printed.
  addEventListener("beforeprint", () => { document.body.dataset.printed = "reading" in document.body.dataset && reader.checkVisibility() ? "article" : "conversation"; });

  // --------------------------------------------------------------------------------------- the start

  heading.textContent = "Source";
  if (history.state?.reading) history.replaceState(null, ""); // a reload leaves the article closed
  document.body.prepend(skip);
  document.body.append(tabs, drawer, anew, reader, status, help, toasted);
  view("ask");
  // For the other scripts of the page.
  globalThis.dateline = Object.freeze({ ofCollection, make, named, nameOf, renew, say, day, view, hidden, send, box, call, toast, events, reading });

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; watch(); label(); });
  }).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
})();
