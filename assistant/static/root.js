/* Where the page lies, also below a prefix that a proxy takes away, only the browser knows: Gradio is
   told before it starts. Everything else on the page is addressed relative to it. */
"use strict";

globalThis.gradio_config.root = new URL(".", document.baseURI).href.replace(/\/$/, "");
