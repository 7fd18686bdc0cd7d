/* Only the browser knows where the page lies, even below a prefix that a proxy strips: Gradio is told
   before it starts. Everything else on the page is addressed relative to it. */
"use strict";

globalThis.gradio_config.root = new URL(".", document.baseURI).href.replace(/\/$/, "");
