/* The list of articles: searching it, adding to it, editing, deleting and restoring.

   Everything is built from nodes and textContent: no text of an article becomes markup. The list's
   filters are read from the link that the page's filters leave in #dl-filtered. Progress is polled,
   so adding goes on when this page is closed. */
"use strict";

(() => {
  const { ofCollection, make, named, nameOf, renew, say, day, view, toast, events, send: wish } = globalThis.dateline;
  const [BUSY, IDLE] = [600, 15_000]; // milliseconds between two checks of the progress
  const AT_ONCE = 2; // files sent at the same time

  const state = { now: null, revision: "", rows: [], found: 0, total: 0, request: 0, selected: new Map(), selecting: false, refused: [], timer: 0, sending: 0, unsent: 0, drawn: "", wasRunning: false, looks: 0, seen: 0, fields: 0, filled: null, since: null, name: "", news: null };

  /* The name of an author or tag as the server compares it. */
  const same = (name) => name.trim().replace(/\s+/g, " ").toLowerCase();
  const counted = (n) => (n === 1 ? "1 article" : `${n.toLocaleString("en-GB")} articles`);
  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const button = (text, action, properties = {}) =>
    make("button", { type: "button", className: "dl-button", textContent: text, onclick: action, ...properties });
  const plain = (text, action, properties = {}) => button(text, action, { className: "dl-plain", ...properties });

  async function call(method, path, body) {
    const options = { method, credentials: "same-origin", headers: { Accept: "application/json" } };
    if (body instanceof Blob) options.body = body;
    else if (body !== undefined) {
      options.body = JSON.stringify(body);
      options.headers["Content-Type"] = "application/json";
    }
    let reply;
    try { reply = await fetch(new URL(`.${path}`, document.baseURI), options); } catch { throw Object.assign(new Error("Dateline does not answer: is it still running?"), { unanswered: true }); }
    const told = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Error(sentence(told.message ?? `the server answered ${reply.status}.`));
    return told;
  }

  // --------------------------------------------------------------------------------- the column

  const number = make("span", { className: "dl-number-of" });
  const heading = make("h2", { id: "dl-shelf-heading", tabIndex: -1 }, "Articles ", number);
  const select = plain("Select", () => selecting(!state.selecting), { id: "dl-select", "aria-pressed": "false" });
  const add = button("Add", () => adding.showModal(), { id: "dl-add-open", "aria-label": "Add articles" });
  const search = make("input", { type: "search", id: "dl-search", maxLength: 200, placeholder: "Search", "aria-label": "Search the articles, their titles and texts", autocomplete: "off", spellcheck: false });
  const order = make("select", { id: "dl-order", "aria-label": "Order of the articles", onchange: () => { store(ORDER, order.value); fill(); } },
    ...[["date", "Newest"], ["added", "Last added"], ["source", "By source"]].map(([value, text]) => make("option", { value, textContent: text })));
  const chosen = make("span", { className: "dl-chosen" });
  const all = plain("All", () => selectAll());
  const bar = make("div", { className: "dl-selecting", role: "group", "aria-label": "Selected articles", hidden: true },
    chosen, all, plain("Edit", () => relabel(), { id: "dl-edit-selected" }), plain("Delete", () => ask([...state.selected.keys()]), { className: "dl-plain dl-danger", id: "dl-delete-selected" }));
  const line = make("p", { className: "dl-line" });
  const meter = make("progress", { max: 1, value: 0, "aria-label": "Articles read" });
  const failures = make("ul", { className: "dl-failures" });
  const failed = make("details", { className: "dl-failed" }, make("summary"), failures,
    plain("Dismiss", () => dismiss(), { id: "dl-dismiss" }));
  const progress = make("div", { id: "dl-progress", hidden: true }, line, meter, failed);
  const told = make("p", { className: "dl-meta dl-told" });
  const list = make("ul", { className: "dl-list" });
  const more = button("Show more", () => fill(true), { hidden: true, id: "dl-more" });
  const rest = make("p", { className: "dl-meta dl-rest" });
  const keptNumber = make("span", { className: "dl-number-of" });
  const keptList = make("ul", { className: "dl-failures" });
  const namesNumber = make("span", { className: "dl-number-of" });
  const namesSeek = make("input", { type: "search", className: "dl-seek-names", maxLength: 200, placeholder: "Search", "aria-label": "Search the people, organisations and places", autocomplete: "off", spellcheck: false, oninput: () => fillNames() });
  const namesKind = make("select", { "aria-label": "Kind of name", onchange: () => fillNames() },
    ...[["any", "All"], ["person", "People"], ["organisation", "Organisations"], ["place", "Places"], ["", "Others"]].map(([value, text]) => make("option", { value, textContent: text })));
  const namesTold = make("p", { className: "dl-meta", role: "status" });
  const namesList = make("ul", { className: "dl-names", tabIndex: 0, "aria-label": "People, organisations and places" });
  const namesMore = plain("Show more", () => fillNames(true), { hidden: true });
  const namesOf = make("details", { className: "dl-kept", id: "dl-names", hidden: true, ontoggle: () => { if (namesOf.open) fillNames(); } },
    make("summary", {}, "People and places ", namesNumber), make("div", { className: "dl-finding" }, namesSeek, namesKind), namesTold, namesList, namesMore);
  const kept = make("details", { className: "dl-kept", id: "dl-kept", hidden: true },
    make("summary", {}, "Kept up to date ", keptNumber), keptList);
  const shelf = make("section", { "aria-labelledby": "dl-shelf-heading", className: "dl-shelf" },
    make("div", { className: "dl-shelf-head" }, heading, select, add), progress, make("div", { className: "dl-finding" }, search, order), namesOf, bar, told, list, more, rest, kept);

  search.addEventListener("input", () => fill());

  /* Articles added since the previous visit are new; a visit ends after half an hour of inactivity. */
  const [ORDER, SEEN, VISIT] = ["dateline-order", `dateline-seen${ofCollection}`, 30 * 60_000];
  const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* not kept */ } };
  const stored = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const seen = { before: Infinity, ...parsed(stored(SEEN)) };
  if (seen.at && Date.now() - seen.at > VISIT) Object.assign(seen, { before: seen.last, since: seen.at });
  if ([...order.options].some((one) => one.value === stored(ORDER))) order.value = stored(ORDER);

  function parsed(text) {
    try { return JSON.parse(text); } catch { return null; }
  }

  function visited(last) {
    if (seen.before === Infinity || seen.before === null) seen.before = last; // nothing is new on the first visit
    seen.before = Math.min(seen.before, last); // this address may serve another index by now
    store(SEEN, JSON.stringify({ before: seen.before, since: seen.since, last, at: Date.now() }));
  }

  /* What was added since the previous visit: a line under the page's heading, and below it, once that is
     selected, the events reported. */
  const FIRST = 5; // events listed before "Show all"
  const news = make("button", { type: "button", id: "dl-news-open", className: "dl-plain", "aria-expanded": "false", "aria-controls": "dl-news-told",
    onclick: () => { newsTold.hidden = !newsTold.hidden; news.setAttribute("aria-expanded", String(!newsTold.hidden)); } });
  const newsList = make("ul", { className: "dl-events", "aria-label": "What’s new, by event" });
  const newsMore = plain("", () => { drawNews(); newsList.children[FIRST].querySelector("a").focus(); }, { id: "dl-news-more" });
  const newsListed = plain("Show in the list of articles", () => {
    state.since = seen.before;
    state.name = "";
    search.value = "";
    view("articles");
    fill();
    heading.focus({ preventScroll: true });
  }, { id: "dl-news-list" });
  const newsRest = make("p", { className: "dl-meta" });
  const newsTold = make("div", { id: "dl-news-told", hidden: true }, newsList, newsRest, make("div", { className: "dl-row" }, newsMore, newsListed));
  const newsLine = make("section", { id: "dl-news", hidden: true, "aria-label": "What’s new" }, news, newsTold);

  async function tellNews() {
    if (!seen.since) return;
    let found;
    try { found = await call("GET", `/library/news?since=${seen.before}`); } catch { return; }
    state.news = found;
    const { events: all, told: some, found: count } = found;
    const on = all.length < some ? ` on ${all.length === 1 ? "1 event" : `${all.length.toLocaleString("en-GB")} events`}` : "";
    const what = `${count.toLocaleString("en-GB")} new ${count === 1 ? "article" : "articles"}`;
    news.textContent = `${what}${some === count ? on : ""} since ${lately(seen.since)}`;
    newsRest.textContent = some < count ? `The last ${some.toLocaleString("en-GB")} of them${on}.` : "";
    newsMore.textContent = `Show all ${all.length.toLocaleString("en-GB")} events`;
    drawNews(FIRST);
    newsLine.hidden = !count;
  }

  function drawNews(most = Infinity) {
    const shown = state.news.events.slice(0, most);
    renew(newsList, shown, (event) => JSON.stringify(event), ([first, ...others]) => make("li", {}, ...report(first),
      ...(others.length ? [make("details", {}, make("summary", { textContent: others.length === 1 ? "1 more report" : `${others.length} more reports` }),
        make("ul", {}, ...others.map((one) => make("li", {}, ...report(one)))))] : [])));
    newsMore.hidden = shown.length === state.news.events.length;
  }

  /* A headline, where it stands and when, and the copies of it elsewhere. */
  function report(article) {
    const link = make("a", { className: "dl-open", href: article.read }, make("span", { className: "dl-title" }, named(article.title)));
    const told = make("p", { className: "dl-meta" }, ...(article.source ? [named(article.source), " · "] : []), article.published ? day(article.published) : "no date");
    article.copies.forEach((copy, at) => told.append(at ? ", " : " · also in ", make("a", { className: "dl-open", href: copy.read }, named(copy.source || copy.title))));
    return [link, told];
  }

  /* When something was, as one would say it now: today as a time, this year without the year. */
  function lately(at) {
    const [then, now] = [new Date(at), new Date()];
    const iso = `${then.getFullYear()}-${then.getMonth() + 1}-${then.getDate()}`;
    if (then.toDateString() === now.toDateString()) return then.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    return then.getFullYear() === now.getFullYear() ? day(iso).replace(/ \d+$/, "") : day(iso);
  }

  // ------------------------------------------------------------- the people, organisations and places

  const naming = { shown: [], request: 0, timer: 0 };

  /* Repeated while articles are still being read for their names. */
  async function fillNames(further = false) {
    clearTimeout(naming.timer);
    const request = ++naming.request;
    const query = new URLSearchParams({ words: namesSeek.value, kind: namesKind.value, skip: further ? naming.shown.length : 0 });
    let found;
    try { found = await call("GET", `/library/names?${query}`); } catch (error) { namesTold.textContent = error.message; return; }
    if (request !== naming.request) return;
    naming.shown = further ? [...naming.shown, ...found.names] : found.names;
    namesNumber.textContent = found.total.toLocaleString("en-GB");
    namesTold.textContent = !found.complete ? `Reading ${found.read.toLocaleString("en-GB")} of ${counted(found.articles)}.`
      : found.found ? "" : namesSeek.value.trim() ? `No name has “${namesSeek.value.trim()}”.` : "None.";
    drawNames();
    namesMore.hidden = naming.shown.length >= found.found;
    if (!found.complete && namesOf.open) naming.timer = setTimeout(fillNames, BUSY);
  }

  function drawNames() {
    renew(namesList, naming.shown, (one) => JSON.stringify([one, one.name === state.name]), (one) => make("li", {},
      make("button", { type: "button", className: "dl-name", dir: "auto", "aria-pressed": String(one.name === state.name), onclick: () => only(one.name === state.name ? "" : one.name) },
        named(one.name), make("span", { className: "dl-number-of", textContent: one.articles.toLocaleString("en-GB") }))));
  }

  /* Lists only the articles that have this name; "" lists all again. */
  function only(name) {
    state.name = name;
    state.since = null;
    search.value = "";
    drawNames();
    fill().then(() => { if (name) told.scrollIntoView({ block: "center" }); }); // below a long list of names
    say(name ? `Only articles that name ${nameOf(name)}` : "All articles");
  }

  function narrowed() {
    const link = document.querySelector("#dl-filtered a");
    return new URLSearchParams(link ? link.getAttribute("href").split("?")[1] : "");
  }

  async function fill(further = false) {
    const request = ++state.request;
    const query = narrowed();
    query.delete("article"); // so that one of the articles asked can be exchanged for another
    const narrow = query.size > 0;
    query.set("words", search.value);
    query.set("order", order.value);
    if (state.since !== null) query.set("since", state.since);
    if (state.name) query.set("name", state.name);
    if (further) query.set("skip", state.rows.length);
    let found;
    try { found = await call("GET", `/library/articles?${query}`); } catch (error) { told.textContent = error.message; return; }
    if (request !== state.request) return; // something else has been searched for meanwhile
    state.rows = further ? [...state.rows, ...found.articles] : found.articles;
    Object.assign(state, { found: found.found, total: found.total });
    visited(found.last);
    draw(narrow, further ? state.rows.length - found.articles.length : -1);
  }

  function draw(narrow, focusAt) {
    number.textContent = state.total ? state.total.toLocaleString("en-GB") : "";
    const searched = search.value.trim();
    const some = searched || narrow;
    told.textContent = !state.total ? "None yet: add files, paste text, or paste a link."
      : !state.found ? (searched ? `No article has “${searched}”.` : "No article fits the filters.")
        : some ? `${state.found.toLocaleString("en-GB")} of ${counted(state.total)}` : "";
    if (state.name) {
      told.replaceChildren(`${counted(state.found)} that ${state.found === 1 ? "names" : "name"} `, make("strong", {}, named(state.name)), make("span", { className: "dl-told-more" },
        plain("Timeline", () => { view("ask"); events.dispatchEvent(new CustomEvent("ask", { detail: `Timeline of ${nameOf(state.name)}` })); }), plain("Show all", () => { only(""); heading.focus({ preventScroll: true }); })));
    } else if (state.since !== null) {
      told.textContent = `${state.found.toLocaleString("en-GB")} new of ${counted(state.total)} `;
      told.append(plain("Show all", () => { state.since = null; fill(); heading.focus({ preventScroll: true }); }));
    }
    told.hidden = !told.textContent;
    search.hidden = order.hidden = select.hidden = namesOf.hidden = !state.total;
    renew(list, state.rows, (article) => JSON.stringify([state.selecting, article, article.added > seen.before]), row);
    more.hidden = state.rows.length >= state.found;
    drawRest();
    drawSelection();
    if (focusAt >= 0) list.children[focusAt]?.querySelector("a")?.focus();
  }

  function row(article) {
    const title = make("span", { className: "dl-title" }, named(article.title));
    const link = make("a", { className: "dl-open", href: article.read }, title);
    const dot = article.source ? [make("span", { className: "dl-dot", textContent: "·" }), " "] : [];
    const when = make("span", { className: "dl-day" }, ...dot, article.published ? day(article.published) : "no date");
    const anew = article.added > seen.before ? [make("span", { className: "dl-new", textContent: "New" }), " "] : [];
    const item = make("li", {}, link, make("span", { className: "dl-meta" }, ...anew, ...(article.source ? [named(article.source), " "] : []), when));
    if (article.found.length) {
      item.append(make("span", { className: "dl-hit", dir: "auto" }, ...article.found.map(([text, hit]) => (hit ? make("b", { textContent: text }) : text))));
    }
    if (state.selecting) {
      const box = make("input", { type: "checkbox", checked: state.selected.has(article.id), "aria-label": `Select ${nameOf(article.title)}`,
        onchange: () => { if (box.checked) state.selected.set(article.id, article); else state.selected.delete(article.id); drawSelection(); } });
      item.prepend(make("label", { className: "dl-pick" }, box));
    } else {
      item.append(button("⋯", () => edit(article), { className: "dl-edit", "aria-label": `Edit ${nameOf(article.title)}`, title: "Edit or delete" }));
    }
    return item;
  }

  function drawRest() {
    const samples = state.now?.samples ?? 0;
    rest.replaceChildren();
    rest.hidden = !samples || samples === state.total || state.found < state.total; // "of these" speaks of all
    if (!rest.hidden) {
      rest.append(`${samples} of these are samples. `, plain("Remove samples", () => removeSamples()));
    }
  }

  function selecting(on) {
    state.selecting = on;
    state.selected.clear();
    select.textContent = on ? "Done" : "Select";
    select.setAttribute("aria-pressed", String(on));
    draw(narrowed().size > 0, -1);
    select.focus();
  }

  function selectAll() {
    const every = state.rows.every((one) => state.selected.has(one.id));
    for (const one of state.rows) if (every) state.selected.delete(one.id); else state.selected.set(one.id, one);
    for (const box of list.querySelectorAll("input")) box.checked = !every;
    drawSelection();
  }

  function drawSelection() {
    bar.hidden = !state.selecting;
    chosen.textContent = `${state.selected.size} selected`;
    for (const one of bar.querySelectorAll("#dl-delete-selected, #dl-edit-selected")) one.disabled = !state.selected.size;
  }

  // ------------------------------------------------------------------------------ how far it is

  async function look() {
    clearTimeout(state.timer);
    const asked = ++state.looks;
    try {
      const now = await call("GET", "/library");
      if (asked > state.seen) { // else a later one overtook it
        const first = state.now === null;
        state.seen = asked;
        state.now = now;
        if (now.revision !== state.revision) {
          state.revision = now.revision;
          if (namesOf.open) fillNames();
          state.filled = Promise.all([fill(), fillSources(), fillLabels()]);
          if (first) state.filled.then(tellNews);
          if (!first) document.querySelector("#dl-refresh")?.click();
        }
      }
      await state.filled;
      drawProgress();
      drawRest();
      drawKept();
    } catch { // tried again later
      if (state.now && state.unsent) drawProgress();
    }
    const busy = state.now?.adding.running || state.now?.looking || state.sending > 0 || state.now?.subscriptions?.some((one) => one.refreshing);
    state.timer = setTimeout(() => look(), busy && !document.hidden ? BUSY : IDLE);
  }

  function drawProgress() {
    const { adding: now } = state.now;
    const notices = now.notices.map((one) => ({ what: one.source, reason: one.text }));
    const listed = [...state.refused, ...now.failures, ...notices];
    const drawn = JSON.stringify([now, listed, state.sending, state.unsent]);
    if (drawn === state.drawn) return;
    state.drawn = drawn;
    line.textContent = state.unsent
      ? `Dateline does not answer. ${state.unsent === 1 ? "1 file is" : `${state.unsent.toLocaleString("en-GB")} files are`} not sent yet and will be as soon as it does: keep this page open.`
      : now.line || (state.sending ? "Sending…" : "");
    meter.hidden = now.done >= now.total || state.unsent > 0;
    meter.max = Math.max(now.total, 1);
    meter.value = now.done;
    const running = now.running || state.sending > 0;
    const told = [[listed.length - notices.length + now.more_failures, "could not be added"], [notices.length, "added with a note"]]
      .filter(([count]) => count).map(([count, what]) => `${count.toLocaleString("en-GB")} ${what}`).join(", ");
    if (state.wasRunning && !running) say([now.line, told && `${told}.`].filter(Boolean).join(" "));
    if (!state.wasRunning && running) say(now.line || "Adding");
    state.wasRunning = running;
    failed.hidden = !listed.length;
    failed.querySelector("summary").textContent = told;
    if (listed.length && !failures.children.length) failed.open = listed.length <= 5;
    renew(failures, listed, (one) => JSON.stringify(one), (one) => {
      const item = make("li", {}, make("strong", {}, named(one.what)), " ", make("span", {}, named(one.reason)));
      if (one.again) {
        item.append(" ", plain("Retry", () => act("/library/retry", { name: one.name }), { "aria-label": `Retry ${nameOf(one.what)}` }));
        if (/^https?:/.test(one.what)) item.append(" ", plain("Paste the text", () => openAdding("text")));
      }
      return item;
    });
    progress.hidden = !line.textContent && !listed.length;
    for (const place of document.querySelectorAll(".dl-start .dl-line")) place.textContent = now.running ? now.line : "";
    if (!progress.hidden && !running && !listed.length) quietLater();
  }

  const often = (seconds) => [[86_400, "day"], [3_600, "hour"], [60, "minute"]]
    .filter(([unit]) => seconds >= unit).map(([unit, word]) => (seconds === unit ? `every ${word}` : `every ${Math.round(seconds / unit * 10) / 10} ${word}s`))[0];
  const when = (seconds) => new Date(seconds * 1000).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

  /* The subscriptions: each with its interval, and its last result or error. */
  function drawKept() {
    const all = state.now?.subscriptions ?? [];
    kept.hidden = !all.length;
    const failing = all.filter((one) => one.error).length;
    keptNumber.textContent = `${all.length}${failing ? ` · ${failing} failing` : ""}`;
    renew(keptList, all, (one) => JSON.stringify(one), (one) => {
      const state_ = one.refreshing ? "refreshing…" : !one.tried ? "not looked at yet" : `${when(one.tried)}: ${one.error ? "failed" : one.result}`;
      const item = make("li", {}, make("strong", {}, named(one.name)), " ", make("span", {}, named(`${often(one.every)} · ${state_}. `)));
      if (one.error) item.append(make("span", { className: "dl-error" }, named(one.error)), " ");
      if (one.ours) item.append(plain("Refresh", () => act("/library/subscriptions/refresh", { id: one.id }), { disabled: one.refreshing, "aria-label": `Refresh ${nameOf(one.name)}` }), " ");
      item.append(plain("Stop", async () => {
        await act("/library/subscriptions/remove", { id: one.id });
        toast("No longer kept up to date. Its articles stay.");
        (kept.hidden ? heading : kept.querySelector("summary")).focus();
      }, { "aria-label": `Stop keeping ${nameOf(one.name)} up to date` }));
      return item;
    });
    upkeep.hidden = !state.now?.subscriptions;
  }

  let quiet = 0;
  function quietLater() {
    clearTimeout(quiet);
    quiet = setTimeout(() => { if (!state.now?.adding.running && !state.now?.adding.failures.length) dismiss(); }, 8_000);
  }

  async function act(path, body) {
    try { await call("POST", path, body); } catch (error) { toast(error.message); }
    await look();
  }

  function dismiss() {
    state.refused = [];
    return act("/library/dismiss");
  }

  // ------------------------------------------------------------------------------------ adding

  const field = (label, input, hint = "") => make("label", { className: "dl-field" }, make("span", { textContent: label }), input, ...(hint ? [make("small", { textContent: hint })] : []));
  const error = () => make("p", { className: "dl-error", role: "alert" });

  const picked = make("input", { type: "file", multiple: true, className: "dl-unseen", id: "dl-files", tabIndex: -1, "aria-label": "Files", onchange: () => { give([...picked.files]); picked.value = ""; } });
  const folder = make("input", { type: "file", multiple: true, className: "dl-unseen", id: "dl-folder", tabIndex: -1, "aria-label": "A folder", onchange: () => { give([...folder.files]); folder.value = ""; } });
  folder.webkitdirectory = true;
  const limits = make("p", { className: "dl-meta" });
  const drop = make("div", { className: "dl-drop" },
    make("p", { textContent: "Drop files or a folder here" }),
    make("div", { className: "dl-row" },
      button("Choose files", () => picked.click(), { className: "dl-button dl-primary" }),
      button("Choose a folder", () => folder.click())),
    limits, picked, folder);
  const filesError = error();

  const pastedText = make("textarea", { rows: 9, required: true, id: "dl-pasted" });
  const pastedTitle = make("input", { type: "text", maxLength: 300 });
  const pastedDate = make("input", { type: "date" });
  const pastedSource = make("input", { type: "text", maxLength: 200 });
  const textError = error();
  const textForm = make("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); addText(); } },
    field("Text", pastedText), field("Title", pastedTitle, "Left empty, the text's first line."),
    make("div", { className: "dl-two" }, field("Date", pastedDate), field("Source", pastedSource)),
    textError, make("div", { className: "dl-row dl-end" }, make("button", { type: "submit", className: "dl-button dl-primary", textContent: "Add the text" })));

  const address = make("input", { type: "url", id: "dl-link", placeholder: "https://", autocomplete: "off", spellcheck: false });
  const every = make("select", { id: "dl-every" }, ...[["", "Fetch once"], ["15", "every 15 minutes"], ["60", "every hour"], ["1440", "every day"]].map(([value, text]) => make("option", { value, textContent: text })));
  const upkeep = field("Keep up to date", every, "Looked at while Dateline runs; what is new comes in, and nothing goes.");
  const linkTold = make("p", { className: "dl-link-told", role: "status" });
  const linkForm = make("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); addLink(); } },
    field("Address of a page, a feed or a sitemap", address, "Pages that ask programs to stay away are not fetched."),
    upkeep, linkTold, make("div", { className: "dl-row dl-end" }, make("button", { type: "submit", className: "dl-button dl-primary", textContent: "Add the link" })));

  const panes = { files: make("div", {}, drop, filesError), text: textForm, link: linkForm };
  const ways = Object.entries({ files: "Files", text: "Paste text", link: "Link" }).map(([name, text]) =>
    make("button", { type: "button", role: "tab", id: `dl-way-${name}`, value: name, textContent: text, "aria-controls": `dl-pane-${name}`, onclick: () => way(name) }));
  for (const [name, pane] of Object.entries(panes)) {
    Object.assign(pane, { id: `dl-pane-${name}` });
    pane.setAttribute("role", "tabpanel");
    pane.setAttribute("aria-labelledby", `dl-way-${name}`);
  }
  const tabs = make("div", { className: "dl-ways", role: "tablist", "aria-label": "How to add" }, ...ways);
  tabs.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const at = ways.findIndex((one) => one.getAttribute("aria-selected") === "true");
    const to = ways[(at + by + ways.length) % ways.length];
    way(to.value);
    to.focus();
  });
  const adding = dialog("dl-add", "Add articles", tabs, ...Object.values(panes));

  function dialog(id, title, ...children) {
    const name = make("h2", { textContent: title, id: `${id}-title` });
    const node = make("dialog", { id, className: "dl-dialog", "aria-labelledby": `${id}-title` },
      make("div", { className: "dl-dialog-head" }, name,
        make("button", { type: "button", className: "dl-quiet dl-x", textContent: "✕", "aria-label": "Close", onclick: () => node.close() })), ...children);
    node.addEventListener("click", (event) => { if (event.target === node) node.close(); }); // beside it
    return node;
  }

  function way(name) {
    for (const one of ways) {
      const on = one.value === name;
      one.setAttribute("aria-selected", String(on));
      one.tabIndex = on ? 0 : -1;
      panes[one.value].hidden = !on;
    }
    if (adding.open) ({ files: drop.querySelector("button"), text: pastedText, link: address })[name].focus();
  }

  function openAdding(name = "files") {
    filesError.textContent = textError.textContent = linkTold.textContent = "";
    if (!adding.open) adding.showModal();
    way(name);
  }
  add.onclick = () => openAdding();

  const pathOf = (file) => file.webkitRelativePath || file.path_ || file.name;
  const hidden = (file) => pathOf(file).split("/").some((part) => part.startsWith("."));

  /* Send files one by one; unreadable ones are listed and not sent. */
  async function give(files) {
    const { kinds, largest, most } = state.now ?? { kinds: null, largest: Infinity, most: Infinity };
    const wanted = files.filter((file) => !hidden(file));
    if (wanted.length > most) {
      filesError.textContent = `These are ${wanted.length.toLocaleString("en-GB")} files: add at most ${most.toLocaleString("en-GB")} at once.`;
      return;
    }
    if (!wanted.length) { if (files.length) filesError.textContent = "There is no file to read in it."; return; }
    adding.close();
    view("articles");
    heading.focus({ preventScroll: true });
    const sent = [];
    for (const file of wanted) {
      const ending = file.name.includes(".") ? `.${file.name.split(".").pop().toLowerCase()}` : "";
      if (kinds && !kinds.includes(ending)) {
        const kind = ending ? `is of a kind that cannot be read (${ending})` : "without an ending that names its kind";
        state.refused.push({ what: pathOf(file), reason: kind, again: false });
      } else if (file.size > largest) {
        state.refused.push({ what: pathOf(file), reason: `is larger than ${Math.floor(largest / 1e6)} MB; split it`, again: false });
      } else sent.push(file);
    }
    const upload = crypto.getRandomValues(new Uint32Array(3)).join("-");
    const waiting = [...sent];
    state.sending += 1;
    look();
    const readable = (file) => file.slice(0, 1).arrayBuffer().then(() => true, () => false);
    const send = async () => {
      for (let file = waiting.shift(); file; file = waiting.shift()) {
        const query = new URLSearchParams({ name: pathOf(file), upload, of: sent.length });
        try {
          await call("PUT", `/library/files?${query}`, file);
          state.unsent = 0;
        } catch (problem) {
          if (problem.unanswered && !(await readable(file))) {
            // Tell the server, or it would wait for the file. The server is there: the next one is sent to it.
            await call("DELETE", `/library/files?${query}`).catch(() => {});
            continue;
          }
          if (problem.unanswered) { // the server may have been stopped, and may be restarted
            waiting.unshift(file);
            state.unsent = waiting.length;
            await look();
            await new Promise((done) => { setTimeout(done, 1_000); });
            continue;
          }
          state.refused.push({ what: pathOf(file), reason: problem.message, again: false });
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, send));
    state.sending -= 1;
    look();
  }

  for (const [name, on] of [["dragenter", true], ["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (on && !adding.open) openAdding("files");
      drop.classList.toggle("dl-over", on);
      if (name === "drop") dropped(event.dataTransfer).then(give);
    });
  }

  async function dropped(data) {
    const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    if (!entries.length) return [...data.files];
    const found = [];
    const walk = async (entry) => {
      if (entry.isFile) {
        const file = await new Promise((done, fail) => { entry.file(done, fail); });
        file.path_ = entry.fullPath.replace(/^\//, "");
        found.push(file);
        return;
      }
      const reader = entry.createReader();
      for (;;) { // it returns at most a hundred at a time
        const some = await new Promise((done, fail) => { reader.readEntries(done, fail); });
        if (!some.length) return;
        for (const one of some) await walk(one);
      }
    };
    for (const entry of entries) await walk(entry);
    return found;
  }

  async function addText() {
    textError.textContent = "";
    try {
      await call("POST", "/library/text", { text: pastedText.value, title: pastedTitle.value, published: pastedDate.value || null, source: pastedSource.value });
    } catch (problem) { textError.textContent = problem.message; pastedText.focus(); return; }
    adding.close();
    textForm.reset();
    view("articles");
    heading.focus({ preventScroll: true });
    toast("Added.");
    look();
  }

  async function addLink() {
    linkTold.textContent = "Fetching…";
    try {
      if (every.value && state.now?.subscriptions) {
        const { id } = await call("POST", "/library/subscriptions", { address: address.value, every: Number(every.value) });
        let found = null;
        do { // its first refresh; adding what it brings goes on when this is closed
          await new Promise((done) => { setTimeout(done, 300); });
          await look();
          found = state.now?.subscriptions?.find((one) => one.id === id);
        } while (adding.open && found && !found.tried);
        if (found?.error) { linkTold.textContent = found.error; return; }
        every.value = address.value = linkTold.textContent = "";
        kept.open = true;
        if (adding.open) { adding.close(); view("articles"); heading.focus({ preventScroll: true }); }
        return;
      }
      const { address: fetched } = await call("POST", "/library/link", { address: address.value });
      const before = new Set((state.now?.adding.failures ?? []).map((one) => one.name));
      for (;;) {
        await look();
        if (!state.now?.adding.fetching.includes(fetched)) break;
        await new Promise((done) => { setTimeout(done, 300); });
      }
      const problem = state.now.adding.failures.find((one) => one.what === fetched && !before.has(one.name));
      if (problem) {
        linkTold.replaceChildren(problem.reason, " ", plain("Paste the text", () => way("text")));
        return;
      }
    } catch (problem) { linkTold.textContent = problem.message; return; }
    linkTold.textContent = "";
    address.value = "";
    if (adding.open) { adding.close(); view("articles"); heading.focus({ preventScroll: true }); }
  }

  // ----------------------------------------------------------------------- editing and deleting

  const editTitle = make("input", { type: "text", maxLength: 300, required: true });
  const editDate = make("input", { type: "date" });
  const editSource = make("input", { type: "text", maxLength: 200 });
  const [editAuthors, editTags] = [names("author", "Authors"), names("tag", "Tags")];
  const editError = error();
  const editForm = make("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); save(); } },
    field("Title", editTitle), make("div", { className: "dl-two" }, field("Date", editDate), field("Source", editSource)), editAuthors.node, editTags.node, editError,
    make("div", { className: "dl-row" }, button("Delete article", () => { const { id } = editing.article; editing.close(); ask([id]); }, { className: "dl-button dl-danger" }),
      make("span", { className: "dl-space" }), button("Cancel", () => editing.close()),
      make("button", { type: "submit", className: "dl-button dl-primary", textContent: "Save" })));
  const editing = dialog("dl-edit", "Edit article", editForm);

  function edit(article) {
    editing.article = article;
    editTitle.value = article.title;
    editDate.value = article.published ?? "";
    editSource.value = article.source;
    editAuthors.show([article.authors]);
    editTags.show([article.tags]);
    editError.textContent = "";
    editing.showModal();
    editTitle.focus();
  }

  async function save() {
    try {
      // Unchanged fields are left to the article's file.
      const labels = { authors: editAuthors.changed() ? editAuthors.all() : null, tags: editTags.changed() ? editTags.all() : null };
      await call("POST", "/library/edit", { id: editing.article.id, title: editTitle.value, published: editDate.value || null, source: editSource.value, ...labels });
    } catch (problem) { editError.textContent = problem.message; return; }
    editing.close();
    say("Saved");
    await look();
    focusRow(editing.article.id);
  }

  function focusRow(id) {
    const at = state.rows.findIndex((one) => one.id === id);
    (list.children[at]?.querySelector(".dl-edit") ?? heading).focus();
  }

  /* Several at once: what all or some of them have; what is not touched stays as it is. */
  const [allDate, allSource] = [make("input", { type: "date" }), make("input", { type: "text", maxLength: 200 })];
  const [allAuthors, allTags] = [names("author", "Authors"), names("tag", "Tags")];
  const relabelError = error();
  const relabelling = dialog("dl-relabel", "Edit articles", make("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); saveLabels(); } },
    make("div", { className: "dl-two" }, field("Date", allDate), field("Source", allSource)), allAuthors.node, allTags.node, relabelError,
    make("div", { className: "dl-row dl-end" }, button("Cancel", () => relabelling.close()),
      make("button", { type: "submit", className: "dl-button dl-primary", textContent: "Save" }))));

  function relabel() {
    const rows = new Map(state.rows.map((row) => [row.id, row]));
    const some = [...state.selected.values()].map((one) => rows.get(one.id) ?? one);
    relabelling.querySelector("h2").textContent = `Edit ${counted(some.length)}`;
    relabelError.textContent = "";
    for (const [input, values] of [[allDate, some.map((one) => one.published ?? "")], [allSource, some.map((one) => one.source)]]) {
      input.before = input.value = values.every((value) => value === values[0]) ? values[0] : "";
    }
    allSource.placeholder = new Set(some.map((one) => one.source)).size > 1 ? "Several: left as they are" : "";
    allAuthors.show(some.map((one) => one.authors));
    allTags.show(some.map((one) => one.tags));
    relabelling.showModal();
    allAuthors.focus();
  }

  async function saveLabels() {
    const ids = [...state.selected.keys()];
    const [authors, tags] = [allAuthors.changes(), allTags.changes()];
    const dated = allDate.value !== allDate.before;
    const whole = { published: dated && allDate.value ? allDate.value : null, undated: dated && !allDate.value, source: allSource.value === allSource.before ? null : allSource.value };
    let done;
    try {
      done = await call("POST", "/library/relabel", { ids, ...whole, add_authors: authors.added, remove_authors: authors.removed, add_tags: tags.added, remove_tags: tags.removed });
    } catch (problem) { relabelError.textContent = problem.message; return; }
    relabelling.close();
    await look();
    undoable("Saved.", done.undo);
  }

  /* Names of authors or tags, which can be removed one by one and added to. */
  function names(kind, label) {
    const [id, ends] = [`dl-names-${++state.fields}`, kind === "tag" ? /[,;]/ : /;/];
    const own = { before: [], now: [], of: 0 }; // each name with the number of articles that have it
    const tokens = make("ul", { className: "dl-tokens", "aria-label": label });
    const known = make("datalist", { id: `${id}-known` });
    const input = make("input", { type: "text", id, maxLength: 1000, autocomplete: "off", dir: "auto", "aria-describedby": `${id}-hint` });
    input.setAttribute("list", known.id);
    const node = make("div", { className: "dl-field" }, make("label", { for: id, textContent: label }), tokens, input, known,
      make("small", { id: `${id}-hint`, textContent: `Enter ${kind === "tag" ? "or a comma" : "or a semicolon"} after each.` }));

    function take() {
      for (const part of input.value.split(ends)) {
        const name = part.trim().replace(/\s+/g, " ");
        if (!name) continue;
        own.now = [...own.now.filter((one) => same(one.name) !== same(name)), { name, count: own.of }];
      }
      input.value = "";
      draw();
    }

    function draw() {
      tokens.hidden = !own.now.length;
      renew(tokens, own.now, (one) => JSON.stringify(one), (one) => make("li", {}, named(one.name),
        ...(one.count < own.of ? [make("span", { className: "dl-number-of", textContent: `${one.count} of ${own.of}` })] : []),
        make("button", { type: "button", className: "dl-quiet", "aria-label": `Remove ${nameOf(one.name)}`, textContent: "✕", onclick: () => {
          const at = own.now.indexOf(one);
          own.now = own.now.filter((other) => other !== one);
          draw();
          say(`Removed: ${nameOf(one.name)}`);
          (tokens.querySelectorAll("button")[Math.min(at, own.now.length - 1)] ?? input).focus();
        } })));
    }

    let asked = 0;
    async function suggest() {
      const request = ++asked;
      try {
        const found = (await call("GET", `/library/labels?${new URLSearchParams({ words: input.value })}`))[`${kind}s`];
        if (request === asked) known.replaceChildren(...found.shown.map(([value]) => make("option", { value })));
      } catch { /* it can still be typed */ }
    }

    input.addEventListener("focus", suggest);
    input.addEventListener("input", () => { if (ends.test(input.value)) take(); else suggest(); });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.isComposing || !input.value.trim()) return; // else Enter saves
      event.preventDefault();
      take();
    });

    return {
      node,
      focus: () => input.focus(),
      /* Show those of each article. */
      show(lists) {
        const found = new Map();
        for (const list of lists) {
          for (const name of new Map(list.filter((one) => one.trim()).map((one) => [same(one), one])).values()) {
            const one = found.get(same(name)) ?? { name, count: 0 };
            found.set(same(name), { ...one, count: one.count + 1 });
          }
        }
        own.of = lists.length;
        own.before = [...found.values()];
        own.now = [...own.before];
        input.value = "";
        draw();
      },
      all() { take(); return own.now.map((one) => one.name); },
      changed() { take(); return JSON.stringify(own.now) !== JSON.stringify(own.before); },
      changes() {
        take();
        const had = new Map(own.before.map((one) => [same(one.name), one.count]));
        const has = new Set(own.now.map((one) => same(one.name)));
        return {
          added: own.now.filter((one) => one.count === own.of && had.get(same(one.name)) !== own.of).map((one) => one.name),
          removed: own.before.filter((one) => !has.has(same(one.name))).map((one) => one.name),
        };
      },
    };
  }

  const question = make("h2", { id: "dl-delete-title" });
  const consent = make("button", { type: "button", className: "dl-button dl-danger dl-sure", textContent: "Delete" });
  const confirming = make("dialog", { id: "dl-delete", className: "dl-dialog", role: "alertdialog", "aria-labelledby": "dl-delete-title" },
    question, make("div", { className: "dl-row dl-end" }, button("Keep", () => confirming.close()), consent));
  confirming.addEventListener("click", (event) => { if (event.target === confirming) confirming.close(); });

  async function ask(ids) {
    let quotes = "";
    try {
      const { answers } = await call("POST", "/library/quoted", { ids });
      if (answers) quotes = answers === 1 ? ` 1 saved answer quotes ${ids.length === 1 ? "it" : "them"}.` : ` ${answers.toLocaleString("en-GB")} saved answers quote ${ids.length === 1 ? "it" : "them"}.`;
    } catch (problem) { toast(problem.message); return; }
    question.textContent = `Delete ${counted(ids.length)}?${quotes}`;
    consent.onclick = () => { confirming.close(); remove("POST", "/library/remove", { ids }); };
    confirming.showModal();
    confirming.querySelector("button").focus(); // Keep
  }

  async function remove(method, path, body) {
    let removed;
    try { removed = await call(method, path, body); } catch (problem) { toast(problem.message); await look(); return; }
    if (state.selecting) { state.selecting = false; state.selected.clear(); select.textContent = "Select"; select.setAttribute("aria-pressed", "false"); }
    await look();
    undoable("Deleted.", removed.undo);
  }

  function undoable(text, name) {
    toast(text, async () => {
      toast("Bringing back…");
      try {
        await call("POST", "/library/undo", { name });
        toast("Brought back.");
      } catch (problem) { toast(problem.message); }
      await look();
      heading.focus({ preventScroll: true });
    });
  }

  const removeSamples = () => remove("DELETE", "/library/samples");

  // --------------------------------------------------------------------------------------- the start

  const deeds = {
    ".dl-do-add": () => openAdding(),
    ".dl-do-samples": (node) => {
      node.disabled = true;
      node.closest("p")?.append(make("span", { className: "dl-line" }));
      call("POST", "/library/samples").catch((problem) => { node.disabled = false; toast(problem.message); }).finally(look);
    },
    ".dl-do-unsample": () => removeSamples(),
  };
  document.addEventListener("click", (event) => {
    for (const [css, deed] of Object.entries(deeds)) {
      const node = event.target instanceof Element ? event.target.closest(css) : null;
      if (node) { event.preventDefault(); deed(node); }
    }
  }, true);

  document.body.append(adding, editing, relabelling, confirming);
  way("files");
  addEventListener("beforeunload", (event) => { if (state.sending) event.preventDefault(); }); // not all is sent
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });

  // ------------------------------------------------------------------- the sources, where there are many

  const MANY = 12; // sources that Gradio's box can still list well
  const LATER = 1_500; // milliseconds in which the server may still report an earlier selection
  const picking = { sites: [], picked: new Set(), at: 0 };
  const seekSource = make("input", { type: "search", id: "dl-seek-source", className: "dl-seek-names", maxLength: 200, "aria-label": "Search the sources", autocomplete: "off", spellcheck: false, oninput: () => drawSources() });
  const pickedTold = make("span", { className: "dl-chosen" });
  const sitesList = make("ul", { className: "dl-sites", tabIndex: 0, "aria-label": "Sources" });
  const sources = make("div", { id: "dl-sources", className: "dl-picking", role: "group", "aria-label": "Only these sources", hidden: true },
    seekSource, make("div", { className: "dl-selecting" }, pickedTold,
      plain("All", () => pick(shownSources(), true), { "aria-label": "Select all sources shown" }),
      plain("None", () => pick(shownSources(), false), { "aria-label": "Select none of the sources shown" })),
    sitesList);

  async function fillSources() {
    const many = (state.now?.sources ?? 0) > MANY;
    document.body.toggleAttribute("data-many", many);
    sources.hidden = !many;
    if (!many) return;
    try { picking.sites = (await call("GET", "/library/sources")).sites; } catch { return; } // asked for again
    seekSource.placeholder = `Search ${state.now.sources.toLocaleString("en-GB")} sources`;
    drawSources();
  }

  const hasWords = (text) => { const folded = text.toLowerCase(); return seekSource.value.toLowerCase().split(/\s+/).every((word) => folded.includes(word)); };
  const sitesShown = () => picking.sites
    .map(({ name, sources: all }) => ({ name, sources: hasWords(name) ? all : all.filter(([source]) => hasWords(`${name} ${source}`)) }))
    .filter((site) => site.sources.length);
  const shownSources = () => sitesShown().flatMap((site) => site.sources.map(([source]) => source));

  /* A source's name below that of its site: the part that goes beyond it. */
  const sectionOf = (source, site) => (site && source.startsWith(site) && source.slice(site.length).replace(/^[^\p{L}\p{N}]+/u, "")) || source;

  function drawSources() {
    const shown = sitesShown();
    renew(sitesList, shown, (site) => JSON.stringify([site, shown.length]), ({ name, sources: all }) => {
      const heads = name || (shown.length > 1 ? "Others" : "");
      return make("li", {}, ...(heads ? [make("h3", {}, named(heads))] : []), make("ul", {}, ...all.map(([source, count]) => {
        const box = make("input", { type: "checkbox", value: source, "aria-label": nameOf(source), onchange: () => pick([source], box.checked) });
        return make("li", {}, make("label", {}, box, make("span", {}, named(sectionOf(source, name))), make("span", { className: "dl-number-of", textContent: count.toLocaleString("en-GB") })));
      })));
    });
    if (!shown.length) sitesList.replaceChildren(make("li", { className: "dl-meta", textContent: `No source has “${seekSource.value.trim()}”.` }));
    drawPicked();
  }

  function drawPicked() {
    for (const box of sitesList.querySelectorAll("input")) box.checked = picking.picked.has(box.value);
    pickedTold.textContent = picking.picked.size ? `${picking.picked.size.toLocaleString("en-GB")} selected` : "All are searched";
  }

  function pick(some, on) {
    for (const source of some) if (on) picking.picked.add(source); else picking.picked.delete(source);
    picking.at = Date.now();
    const query = wanted();
    query.delete("source");
    for (const source of picking.picked) query.append("source", source);
    send(query);
    drawPicked();
    say(pickedTold.textContent);
  }

  /* The current filters, wherever they were changed, but not a selection from before the last click. */
  function repick() {
    const now = narrowed().getAll("source");
    if (Date.now() - picking.at < LATER && now.length !== picking.picked.size) return;
    picking.picked = new Set(now);
    drawPicked();
  }

  // ------------------------------------------------------------------------------ authors and tags

  const KINDS = { author: "Authors", tag: "Tags" };
  const labelling = { found: null, picked: { author: [], tag: [] }, at: 0, request: 0 };
  const seekLabel = make("input", { type: "search", className: "dl-seek-names", id: "dl-seek-label", maxLength: 200, "aria-label": "Search the authors and tags", autocomplete: "off", spellcheck: false, oninput: () => fillLabels() });
  const labelsList = make("ul", { className: "dl-sites", tabIndex: 0, "aria-label": "Authors and tags" });
  const labels = make("div", { id: "dl-labels", className: "dl-picking", role: "group", "aria-label": "Only these authors and tags", hidden: true }, seekLabel, labelsList);

  async function fillLabels() {
    const request = ++labelling.request;
    let found;
    try { found = await call("GET", `/library/labels?${new URLSearchParams({ words: seekLabel.value })}`); } catch { return; } // asked for again
    if (request !== labelling.request) return;
    labelling.found = { author: found.authors, tag: found.tags };
    drawLabels();
  }

  function drawLabels() {
    if (!labelling.found) return;
    const total = Object.values(labelling.found).reduce((sum, { total: n }) => sum + n, 0);
    labels.hidden = !total && !picksOf().length;
    const kinds = Object.keys(KINDS).filter((kind) => labelling.found[kind].total).map((kind) => KINDS[kind].toLowerCase());
    seekLabel.hidden = total <= MANY;
    seekLabel.placeholder = `Search ${kinds.join(" and ")}`;
    const searched = seekLabel.value.trim();
    const groups = Object.keys(KINDS).map((kind) => {
      const { shown, found } = labelling.found[kind];
      const there = new Set(shown.map(([name]) => same(name)));
      const others = searched ? [] : labelling.picked[kind].filter((name) => !there.has(same(name)));
      return { kind, names: [...others.map((name) => [name, null]), ...shown], more: found - shown.length };
    }).filter(({ names: some }) => some.length);
    renew(labelsList, groups, (group) => JSON.stringify(group), ({ kind, names: some, more: left }) => make("li", {}, make("h3", { textContent: KINDS[kind] }),
      make("ul", { "aria-label": KINDS[kind] }, ...some.map(([name, count]) => {
        const box = make("input", { type: "checkbox", value: name, "aria-label": nameOf(name), onchange: () => pickLabel(kind, name, box.checked) });
        box.dataset.kind = kind;
        return make("li", {}, make("label", {}, box, make("span", {}, named(name)), make("span", { className: "dl-number-of", textContent: count === null ? "" : count.toLocaleString("en-GB") })));
      })), ...(left > 0 ? [make("p", { className: "dl-meta", textContent: `${left.toLocaleString("en-GB")} more: search for them.` })] : [])));
    if (!groups.length) labelsList.replaceChildren(make("li", { className: "dl-meta", textContent: `No author or tag has “${searched}”.` }));
    drawPickedLabels();
  }

  const picksOf = () => Object.keys(KINDS).flatMap((kind) => labelling.picked[kind].map((name) => [kind, name]));

  function drawPickedLabels() {
    const picked = new Set(picksOf().map(([kind, name]) => `${kind} ${same(name)}`));
    for (const box of labelsList.querySelectorAll("input")) box.checked = picked.has(`${box.dataset.kind} ${same(box.value)}`);
  }

  function pickLabel(kind, name, on) {
    const others = labelling.picked[kind].filter((one) => same(one) !== same(name));
    labelling.picked[kind] = on ? [...others, name] : others;
    labelling.at = Date.now();
    const query = wanted();
    for (const each of Object.keys(KINDS)) query.delete(each);
    for (const [each, one] of picksOf()) query.append(each, one);
    send(query);
    say(on ? `Only ${kind === "author" ? "by" : "tagged"} ${nameOf(name)}` : `Removed: ${nameOf(name)}`);
  }

  /* As `repick`. */
  function repickLabels() {
    const now = narrowed();
    const picked = { author: now.getAll("author"), tag: now.getAll("tag") };
    if (Date.now() - labelling.at < LATER && picked.author.length + picked.tag.length !== picksOf().length) return;
    labelling.picked = picked;
    drawLabels();
  }

  // --------------------------------------------------------------- the filters, above the question

  /* One chip per filter; removing one sends the others to Gradio's boxes. */
  function drawChips() {
    const place = document.querySelector("#dl-chips");
    if (!place) return;
    const query = narrowed();
    const titles = new Map([...document.querySelectorAll("#dl-filtered a[href^='read/']")]
      .map((link) => [decodeURIComponent(link.getAttribute("href").slice("read/".length)), link.textContent]));
    const drawn = JSON.stringify([String(query), [...titles]]);
    if (place.title_ === drawn) return;
    place.title_ = drawn;
    const words = { article: (id) => titles.get(id) ?? "an article that was removed", source: nameOf, author: (name) => `by ${nameOf(name)}`, tag: (name) => `tagged ${nameOf(name)}`, after: (value) => `from ${day(value)}`, before: (value) => `to ${day(value)}` };
    const entries = [...query.entries()];
    // Many filters of a kind share one chip.
    const many = ["source", "author", "tag"].map((kind) => [kind, entries.filter(([name]) => name === kind).length]).filter(([, count]) => count > FEW);
    const told = [...entries.filter(([name]) => !many.some(([kind]) => kind === name)), ...many];
    const chips = told.map((one) => {
      const [name, value] = one;
      const text = many.includes(one) ? `${value.toLocaleString("en-GB")} ${name}s` : words[name](value);
      const without = () => { send(new URLSearchParams(entries.filter((other) => (many.includes(one) ? other[0] !== name : other !== one)))); say(`Removed: ${text}`); document.querySelector("#dl-box textarea")?.focus(); };
      return make("button", { type: "button", className: "dl-chip", "aria-label": `Remove the filter ${text}`, onclick: without },
        make("span", { textContent: text }), make("span", { textContent: "✕", "aria-hidden": "true" }));
    });
    if (chips.length > 1) chips.push(plain("Clear all", () => { send(new URLSearchParams()); say("Filters cleared"); document.querySelector("#dl-box textarea")?.focus(); }));
    place.replaceChildren(...(chips.length ? [make("span", { className: "dl-only-word", textContent: "Only" }), ...chips] : []));
  }

  const FEW = 4; // of a kind that get a chip each
  let sent = { query: "", at: 0 };
  const send = (query) => { sent = { query: String(query), at: Date.now() }; wish("narrowing", sent.query); };
  /* The filters as they will be, even before the server has confirmed them. */
  const wanted = () => (Date.now() - sent.at < LATER ? new URLSearchParams(sent.query) : narrowed());

  let place = null;
  let narrow = null;
  const settle = () => {
    const here = document.querySelector("#dl-shelf");
    if (here && here !== place) { place = here; here.replaceChildren(shelf); look(); }
    const now = narrowed().toString();
    if (place && narrow !== null && narrow !== now) fill();
    if (narrow !== now) { repick(); repickLabels(); }
    const gradios = document.querySelector("#dl-only");
    const summary = document.querySelector("#dl-summary");
    if (summary && newsLine.previousElementSibling !== summary) summary.after(newsLine);
    if (gradios && sources.nextElementSibling !== gradios) gradios.before(sources);
    if (gradios && labels.previousElementSibling !== gradios) gradios.after(labels);
    narrow = now;
    drawChips();
    const { largest, most } = state.now ?? {};
    if (largest && !limits.textContent) limits.append("Text, PDF, Word, web pages, EPUB, mail, feeds, CSV, JSON and ZIP.", make("br"), `Up to ${Math.floor(largest / 1e6)} MB a file, ${most.toLocaleString("en-GB")} files at once.`);
  };
  new MutationObserver(settle).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
  settle();
})();
