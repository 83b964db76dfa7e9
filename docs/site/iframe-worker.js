// Search without a server: browsers start no worker from a file, so the script of one runs in a hidden frame instead. The
// theme would fetch a script for this from elsewhere.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      this.inner = frame.contentWindow;
      this.inner.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const element = frame.contentDocument.createElement("script");
      this.ready = new Promise((resolve) => element.addEventListener("load", resolve));
      element.src = new URL(script, location.href).href;
      frame.contentDocument.body.appendChild(element);
    }

    postMessage(data) {
      this.ready.then(() => this.inner.dispatchEvent(new MessageEvent("message", { data })));
    }
  };
}
