/* The visitor's conversations: the list of earlier ones, and the buttons below an answer.

   The server stores them and knows whose they are; this only sends requests. The conversation shown is
   in Gradio's hidden #dl-showing and repeated in the address, so a reload brings it back. Titles and
   names become nodes through textContent. */
"use strict";

(() => {
  const { make, named, nameOf, renew, say, view, hidden, send, call, toast, events, box } = globalThis.dateline;
  const PREFIX = "dl-answer-";
  const state = { id: "", rows: -1, repeating: "", list: [], wanted: "", opened: "", drawn: "", followed: new WeakSet() };

  // -------------------------------------------------------------------------------- the earlier ones

  const list = make("ul", { className: "dl-talks" });
  const nav = make("nav", { id: "dl-history", "aria-labelledby": "dl-history-heading", hidden: true },
    make("h2", { id: "dl-history-heading", textContent: "Earlier questions" }), list);

  const address = (id) => (id ? `./?conversation=${encodeURIComponent(id)}` : "./");

  // Logging out makes sense only on a page with a password.
  const leave = make("form", { method: "post", action: "logout", id: "dl-leave", hidden: true },
    make("button", { className: "dl-quiet", textContent: "Log out" }),
    make("button", { className: "dl-quiet", name: "everywhere", value: "1", textContent: "Log out everywhere" }));

  async function refresh() {
    let told;
    try { told = await call("GET", "/conversations"); } catch { return; }
    state.list = told.conversations;
    leave.hidden = !told.locked;
    // Not while one is being renamed or deleted, and not needlessly: focus and clicks would go astray.
    if (list.querySelector(".dl-talk-name, [role=group]") || state.drawn === looks()) return;
    draw();
  }

  const looks = () => JSON.stringify([state.list.map((talk) => [talk.id, talk.title]), state.id, state.opened]);

  function draw() {
    state.drawn = looks();
    nav.hidden = !state.list.length;
    const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
    renew(list, state.list, (talk) => JSON.stringify([talk.id, talk.title, state.opened === talk.id]), row);
    state.list.forEach((talk, at) => {
      const link = list.children[at].querySelector("a.dl-talk");
      if (talk.id === state.id) link?.setAttribute("aria-current", "page");
      else link?.removeAttribute("aria-current");
    });
    if (focused && !list.contains(document.activeElement)) focusOn(focused);
  }

  function row(talk) {
    const link = make("a", { className: "dl-talk", href: address(talk.id), title: nameOf(talk.title) }, named(talk.title));
    link.dataset.key = `open ${talk.id}`;
    const wanted = state.opened === talk.id;
    const more = make("button", { type: "button", className: "dl-quiet dl-talk-more", textContent: "⋯",
      "aria-label": `Rename or delete “${nameOf(talk.title)}”`, "aria-expanded": String(wanted),
      onclick: () => { state.opened = wanted ? "" : talk.id; draw(); } });
    more.dataset.key = `more ${talk.id}`;
    const item = make("li", {}, make("div", { className: "dl-talk-row" }, link, more));
    if (wanted) item.append(choices(talk, item));
    return item;
  }

  function choices(talk, item) {
    return make("div", { className: "dl-talk-choices" },
      make("button", { type: "button", className: "dl-quiet dl-rename", textContent: "Rename", onclick: () => rename(talk, item) }),
      make("button", { type: "button", className: "dl-quiet dl-delete", textContent: "Delete", onclick: () => confirm(talk, item) }),
      ...[["md", "Markdown"], ["docx", "Word"]].map(([kind, name]) => make("a", { className: "dl-quiet", download: "", textContent: `.${kind}`,
        href: `api/v1/conversations/${encodeURIComponent(talk.id)}.${kind}`, "aria-label": `Download as ${name}, .${kind}` })));
  }

  function rename(talk, item) {
    const field = make("input", { type: "text", value: talk.title, maxLength: 200, "aria-label": "Name of the conversation" });
    const done = () => { state.opened = ""; draw(); focusOn(`more ${talk.id}`); };
    const form = make("form", { className: "dl-talk-name", onsubmit: (event) => {
      event.preventDefault();
      change("PATCH", talk, { title: field.value }, "Renamed").then(done);
    }, onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); done(); } } },
    field, make("button", { className: "dl-quiet", textContent: "Save" }));
    item.replaceChildren(form);
    field.select();
  }

  function confirm(talk, item) {
    const keep = make("button", { type: "button", className: "dl-quiet", textContent: "Keep",
      onclick: () => { state.opened = ""; draw(); focusOn(`more ${talk.id}`); } });
    const sure = make("button", { type: "button", className: "dl-quiet dl-sure", textContent: "Delete", onclick: async () => {
      state.opened = "";
      await remove(talk);
    } });
    item.replaceChildren(make("div", { className: "dl-talk-choices", role: "group", "aria-label": `Delete “${nameOf(talk.title)}”?` },
      make("span", { textContent: "Delete this conversation?" }), sure, keep));
    keep.focus();
  }

  async function remove(talk) {
    let removed;
    const shown = talk.id === state.id;
    try { removed = await call("DELETE", `/conversations/${encodeURIComponent(talk.id)}`); } catch (error) { toast(error.message); await refresh(); draw(); return; }
    if (shown) document.querySelector("#dl-again")?.click();
    await refresh();
    draw();
    changed(talk.id);
    toast("Conversation deleted.", async () => {
      try {
        await call("POST", "/conversations/undo", { name: removed.undo });
        toast("Brought back.");
        changed("");
      } catch (error) { toast(error.message); }
      await refresh();
      draw();
      if (shown && !state.id) open(talk.id);
      list.querySelector(`[data-key="${CSS.escape(`open ${talk.id}`)}"]`)?.focus();
    });
  }

  async function change(method, talk, body, told) {
    try {
      await call(method, `/conversations/${encodeURIComponent(talk.id)}`, body);
      say(told);
      changed("");
    } catch (error) { toast(error.message); }
    await refresh();
    draw();
  }

  const focusOn = (key) => list.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus();

  function open(id) {
    state.wanted = id;
    send("opening", id);
    view("ask");
  }

  addEventListener("popstate", () => {
    const id = new URLSearchParams(location.search).get("conversation") ?? "";
    if (id !== state.wanted) open(id); // else only the article beside it was opened or closed
  });

  // ------------------------------------------------------------------------- the buttons of an answer

  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || event.button !== 0) return;
    const talk = event.target.closest("a.dl-talk");
    if (talk && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      open(new URL(talk.href).searchParams.get("conversation"));
      return;
    }
    if (event.target.closest("#dl-again")) {
      view("ask");
      const box = hidden("box");
      if (!box) return;
      box.value = ""; // at once, since the next question may be typed before the server has replied
      box.dispatchEvent(new Event("input", { bubbles: true }));
      box.focus();
      return;
    }
    const change = event.target.closest("#dl-answers .dl-noted .dl-change");
    if (change) { again(change.closest(".dl-noted")); return; }
    const button = event.target.closest("#dl-answers .dl-actions button");
    const id = button?.closest(".dl-actions").id.slice(PREFIX.length);
    if (!id) return;
    if (button.matches(".dl-verdict")) rate(button, id);
    else if (button.matches(".dl-act")) {
      if (state.repeating) return; // pressed twice, asked once
      const how = ["retry", "again", "unfiltered"].find((name) => button.matches(`.dl-${name}`));
      if (how === "unfiltered") document.querySelector("#dl-clear")?.click();
      state.repeating = String(send("repeating", `${how} ${id}`));
    }
  });

  async function rate(button, id) {
    const verdict = button.matches(".dl-picked") ? null : button.title;
    try { await call("PUT", `/answer/${encodeURIComponent(id)}/verdict`, { verdict }); } catch (error) { toast(error.message); return; }
    for (const one of button.parentElement.querySelectorAll(".dl-verdict")) {
      one.classList.toggle("dl-picked", one.title === verdict);
    }
    pressed(button.parentElement);
    changed(state.id);
    say(verdict ? `Noted: ${verdict}` : "Taken back");
    for (const old of button.closest(".bot-row").querySelectorAll(".dl-why, .dl-noted")) old.remove();
    if (verdict !== "not helpful") return;
    const asked = why(button.closest(".bot-row"), id);
    button.parentElement.after(asked);
    asked.scrollIntoView({ block: "nearest" });
  }

  /* Edit what was said to be wrong. */
  function again(note) {
    const row = note.closest(".bot-row");
    const id = row.querySelector(".dl-actions").id.slice(PREFIX.length);
    const said = (part) => note.querySelector(`.dl-noted-${part}`)?.textContent ?? "";
    const asked = why(row, id, said("reason").toLowerCase(), said("remark"));
    note.replaceWith(asked);
    asked.querySelector("[aria-pressed=true], button").focus();
  }

  /* As the server renders it: assistant/web/transcript.py. */
  const noted = (reason, remark) => make("p", { className: "dl-noted" }, "What was wrong: ",
    ...(reason ? [make("span", { className: "dl-noted-reason", textContent: reason.charAt(0).toUpperCase() + reason.slice(1) }), " "] : []),
    ...(remark ? [make("span", { className: "dl-noted-remark", dir: "auto", textContent: remark }), " "] : []),
    make("button", { type: "button", className: "dl-change", textContent: "Change" }));

  /* What was wrong with an answer, for those who want to say; a choice is saved at once. */
  function why(row, id, reason = "", said = "") {
    const reasons = row.querySelector(".dl-sources") ? ["wrong", "incomplete", "wrong source", "other"] : ["should not have refused", "other"];
    const remark = make("input", { type: "text", value: said, maxLength: 1000, placeholder: "In your words", "aria-label": "What was wrong, in your words", dir: "auto", autocomplete: "off" });
    const keep = async () => {
      try { await call("PUT", `/answer/${encodeURIComponent(id)}/verdict`, { verdict: "not helpful", reason: reason || null, remark: remark.value }); } catch (error) { toast(error.message); return false; }
      say("Noted");
      return true;
    };
    const picks = reasons.map((name) => make("button", { type: "button", className: "dl-reason", value: name, textContent: name.charAt(0).toUpperCase() + name.slice(1), "aria-pressed": String(name === reason),
      onclick: () => {
        reason = reason === name ? "" : name;
        for (const one of picks) one.setAttribute("aria-pressed", String(one.value === reason));
        keep();
      } }));
    const form = make("form", { onsubmit: async (event) => {
      event.preventDefault();
      if (!await keep()) return;
      const next = row.querySelector(".dl-actions .dl-picked");
      if (reason || remark.value.trim()) group.replaceWith(noted(reason, remark.value.trim()));
      else group.remove();
      next?.focus();
      toast("Thank you, noted.");
    } }, remark, make("button", { textContent: "Send" }));
    const group = make("div", { className: "dl-why", role: "group", "aria-label": "What was wrong? Optional" },
      make("span", { textContent: "What was wrong?" }), ...picks, form);
    return group;
  }

  function pressed(within) {
    for (const one of within.querySelectorAll(".dl-verdict")) {
      const is = String(one.matches(".dl-picked"));
      if (one.getAttribute("aria-pressed") !== is) one.setAttribute("aria-pressed", is);
    }
  }

  // ------------------------------------------------------------------------- questions to ask next

  /* Only below the last answer, and looked for once it is there. Gradio may redraw that: the questions
     found are put there again. */
  const next = { id: "", questions: [], looking: null };

  async function look(id) {
    next.looking?.abort();
    Object.assign(next, { id, questions: [], looking: new AbortController() });
    try {
      const reply = await fetch(`answer/${encodeURIComponent(id)}/next`, { credentials: "same-origin", signal: next.looking.signal });
      const { questions } = await reply.json();
      if (next.id === id) next.questions = questions ?? [];
    } catch { return; } // another question was asked, or the server is away: then there are none
    offer();
  }

  function offer() {
    const rows = [...document.querySelectorAll("#dl-answers .bot-row")];
    // An answer, not a refusal, with nothing below it still being answered.
    const last = document.querySelector("#dl-answers .dl-working") ? null : rows.at(-1);
    const actions = last?.querySelector(".dl-sources") ? last.querySelector(".dl-actions:has(.dl-copy)") : null;
    const id = actions?.id.slice(PREFIX.length) ?? "";
    if (id !== next.id) {
      next.looking?.abort();
      Object.assign(next, { id, questions: [], looking: null });
      if (id) look(id);
    }
    const there = [...document.querySelectorAll("#dl-answers .dl-next")];
    if (!id || !next.questions.length) { for (const one of there) one.remove(); return; }
    if (there.length === 1 && last.contains(there[0])) return;
    for (const one of there) one.remove();
    actions.parentElement.append(make("div", { className: "dl-next", role: "group", "aria-label": "Questions to ask next" },
      ...next.questions.map((text) => make("button", { type: "button", dir: "auto", textContent: text, onclick: () => box()?.focus() }))));
  }

  // ------------------------------------------------------------------------- other tabs of the page

  /* Another tab that shows the same conversation reopens it, and follows what is answered there. */
  const tabs = new BroadcastChannel("dateline");
  const changed = (id) => tabs.postMessage(id);
  tabs.onmessage = ({ data: id }) => {
    refresh();
    if (id && id === state.id) send("opening", id);
  };
  events.addEventListener("taken", ({ detail: name }) => {
    if (name === state.repeating) state.repeating = "";
    changed(hidden("showing")?.value ?? "");
  });

  // -------------------------------------------------------------------------------- what is shown

  function watch() {
    const again = document.querySelector("#dl-again");
    if (again && !nav.isConnected) {
      again.before(make("p", { id: "dl-brand", textContent: "Dateline" }));
      again.after(nav, make("p", { id: "dl-none-asked", textContent: "Nothing asked yet." }));
      again.closest("#dl-library")?.append(leave);
    }
    const id = hidden("showing")?.value ?? "";
    const rows = document.querySelectorAll("#dl-answers .bot-row").length;
    if (id !== state.id) {
      // Opening or leaving a conversation adds a step to go back; beginning one stays on the same page.
      if (location.search !== new URL(address(id), location.href).search) {
        if (state.id) history.pushState(null, "", address(id));
        else history.replaceState(history.state, "", address(id));
      }
      state.wanted = id;
    }
    if (id !== state.id || rows !== state.rows) {
      [state.id, state.rows] = [id, rows];
      refresh();
    }
    const answers = document.querySelector("#dl-answers");
    if (answers) pressed(answers);
    offer();
    const unwatched = answers?.querySelector(".dl-unwatched");
    if (unwatched && hidden("following") && !state.followed.has(unwatched)) {
      state.followed.add(unwatched);
      send("following", "");
    }
  }

  let waiting = false;
  new MutationObserver(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; watch(); });
  }).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
  refresh();
})();
