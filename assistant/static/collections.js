/* Creating, renaming and removing collections: a dialog, opened below the list of articles.

   The server says which there are, and whether it can have any. */
"use strict";

(() => {
  const { ofCollection, make, call, toast } = globalThis.dateline;
  const here = ofCollection.slice(1);
  const [root, below] = here ? ["/../../", "../"] : ["/", "collections/"];
  const api = `${root}api/v1/collections`;
  const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
  const addressOf = (name) => new URL(name ? `./${below}${name}/` : `.${root}`, document.baseURI).href;

  const opener = make("button", { type: "button", id: "dl-collections-open", className: "dl-quiet", textContent: "Collections", onclick: () => open() });
  const place = make("p", { id: "dl-collections-place", hidden: true }, opener);
  const list = make("ul", { className: "dl-collections" });
  const fault = make("p", { className: "dl-error", role: "alert" });
  const name = make("input", { type: "text", id: "dl-collection-name", maxLength: 60, autocomplete: "off", spellcheck: false, "aria-describedby": "dl-collection-hint" });
  const form = make("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); create(); } },
    make("div", { className: "dl-field" }, make("label", { for: name.id, textContent: "New collection" }), name,
      make("small", { id: "dl-collection-hint", textContent: "Letters, digits, - and _. It has its own articles, conversations and keys." })),
    fault, make("div", { className: "dl-row dl-end" }, make("button", { type: "submit", className: "dl-button dl-primary", textContent: "Create" })));
  const dialog = make("dialog", { id: "dl-collections", className: "dl-dialog", "aria-labelledby": "dl-collections-title" },
    make("div", { className: "dl-dialog-head" }, make("h2", { id: "dl-collections-title", textContent: "Collections" }),
      make("button", { type: "button", className: "dl-quiet dl-x", textContent: "✕", "aria-label": "Close", onclick: () => dialog.close() })), list, form);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); }); // beside it

  const unusable = (text) => (/^[A-Za-z0-9][A-Za-z0-9_-]{0,59}$/.test(text) ? ""
    : text ? `“${text}” is not a valid name for a collection: use letters, digits, - and _, and begin with a letter or digit.` : "Give the collection a name.");

  async function load() {
    const { names, managed } = await call("GET", "/collections");
    place.hidden = !managed;
    list.hidden = !names.length;
    list.replaceChildren(...names.map(row));
  }

  function row(each) {
    const item = make("li", {});
    const link = make("a", { href: addressOf(each), textContent: each, ...(each === here && { "aria-current": "page" }) });
    const act = (text, action) => make("button", { type: "button", className: "dl-quiet", textContent: text, "aria-label": `${text} ${each}`, onclick: () => action(each, item) });
    item.append(link, act("Rename", rename), act("Remove", remove));
    return item;
  }

  async function open() {
    fault.textContent = "";
    try { await load(); } catch (error) { toast(error.message); return; }
    dialog.showModal();
    name.focus();
  }

  async function create() {
    const wanted = name.value.trim();
    fault.textContent = unusable(wanted);
    if (!fault.textContent) {
      try {
        await call("POST", api, { name: wanted });
        location.href = addressOf(wanted);
        return;
      } catch (error) { fault.textContent = sentence(error.message); }
    }
    name.focus();
  }

  /* A text field, and a button for it, in place of a collection's line. */
  function asked(each, item, label, text, kind, value, act) {
    const field = make("input", { type: "text", value, maxLength: 60, autocomplete: "off", spellcheck: false });
    const told = make("p", { className: "dl-error", role: "alert" });
    const back = () => { const again = row(each); item.replaceWith(again); again.querySelector("button").focus(); };
    item.replaceChildren(make("form", { noValidate: true, onsubmit: async (event) => {
      event.preventDefault();
      try { told.textContent = await act(field.value.trim()); } catch (error) { told.textContent = sentence(error.message); }
      if (told.textContent) field.focus();
    }, onkeydown: (event) => { if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); back(); } } },
    make("label", { className: "dl-field" }, make("span", { textContent: label }), field), told,
    make("div", { className: "dl-row dl-end" }, make("button", { type: "button", className: "dl-button", textContent: "Cancel", onclick: back }),
      make("button", { type: "submit", className: `dl-button ${kind}`, textContent: text }))));
    field.focus();
    field.select();
  }

  function rename(each, item) {
    asked(each, item, `New name of ${each}`, "Rename", "dl-primary", each, async (wanted) => {
      if (unusable(wanted)) return unusable(wanted);
      if (wanted !== each) await call("PATCH", `${api}/${each}`, { name: wanted });
      await changed(each, wanted);
      return "";
    });
  }

  async function remove(each, item) {
    let goes = "its articles";
    try {
      const { articles } = (await call("GET", api)).collections.find((one) => one.name === each);
      goes = articles === 1 ? "its 1 article" : `its ${articles.toLocaleString("en-GB")} articles`;
    } catch { /* A collection that cannot be opened can still be removed. */ }
    const label = `This removes ${each} with ${goes}, conversations, saved quotes, keys and subscriptions. It cannot be undone. Type ${each} to confirm.`;
    asked(each, item, label, "Remove", "dl-sure", "", async (typed) => {
      if (typed !== each) return `Nothing was removed. Type ${each} to confirm.`;
      await call("DELETE", `${api}/${each}`);
      await changed(each, "");
      return "";
    });
  }

  /* The page of the changed collection moves to its new address, or to the main one. */
  async function changed(each, now) {
    if (each === here) { location.href = addressOf(now); return; }
    await load();
    name.focus();
    document.querySelector("#dl-collection")?.dispatchEvent(new Event("dl-changed"));
  }

  document.body.append(dialog);
  const settle = () => {
    const column = document.querySelector("#dl-library");
    if (column && !place.isConnected) column.append(place);
  };
  new MutationObserver(settle).observe(document.querySelector("gradio-app") ?? document.body, { subtree: true, childList: true });
  settle();
  load().catch(() => { /* reported by the page's other requests */ });
})();
