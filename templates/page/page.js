/* Makes the page quick; without it every form and link works by itself.
   A form or link marked data-live or data-go is fetched and its parts are put in place. */
"use strict";
(() => {
  const PARTS = ["top", "list", "chat"];
  const byId = (id, root = document) => root.getElementById(id);
  const canHover = matchMedia("(hover: hover)").matches;
  let busy = false;

  const fold = (text) =>
    text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d")
      .replace(/[^0-9a-z]+/g, " ").trim();

  function filter() {
    const box = byId("tim");
    if (!box) return;
    const words = fold(box.value).split(" ").filter(Boolean);
    let any = false;
    for (const item of document.querySelectorAll("#rows li")) {
      item.hidden = !words.every((word) => item.dataset.folded.includes(word));
      any ||= !item.hidden;
    }
    for (const group of document.querySelectorAll("#rows section")) {
      const shown = group.querySelectorAll("li:not([hidden])").length;
      group.querySelector(".many").textContent = shown;
      group.hidden = !shown;
    }
    byId("none").hidden = any;
  }

  // Go to what is new; to the bottom of another chat; else stay where the reader is, with the message
  // that was pressed in sight: it may have become much shorter.
  function settle(before, pressed) {
    const thread = byId("thread");
    if (!thread) return;
    const down = (line) => line.getBoundingClientRect().top - thread.getBoundingClientRect().top;
    const fresh = thread.querySelector("[data-fresh]");
    if (fresh) thread.scrollTop += down(fresh) - 44;
    else if (before?.chat === byId("chat").dataset.chat) thread.scrollTop = before.top;
    else thread.scrollTop = thread.scrollHeight;
    const line = !fresh && pressed && thread.querySelector(`[data-id="${CSS.escape(pressed)}"]`);
    if (line && (down(line) < 0 || down(line) > thread.clientHeight - 80)) thread.scrollTop += down(line) - 44;
  }

  // Only the script tells which file is chosen, and how big; the page itself refuses what is too big.
  function choose() {
    const file = byId("file")?.files[0];
    if (!byId("chosen")) return;
    byId("chosen").hidden = !file;
    if (!file) return;
    const kb = Math.max(1, Math.round(file.size / 1024));
    const size = kb < 1024 ? `${kb} KB` : `${(kb / 1024).toFixed(1).replace(".", ",")} MB`;
    byId("chosen").querySelector("span").textContent = `${file.name} (${size})`;
  }

  function trouble(words) {
    const line = byId("trouble");
    line.textContent = words || "";
    line.hidden = !words;
  }

  function put(html, keepDraft, pressed) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    if (!byId("chat", fresh)) throw new Error("not the page");
    const before = { chat: byId("chat").dataset.chat, top: byId("thread")?.scrollTop ?? 0 };
    const listTop = byId("rows").scrollTop;
    const province = () => document.querySelector('.search [name="tinh"]').value;
    const earlier = province();
    const words = byId("tim").value;
    const draft = keepDraft ? byId("text")?.value ?? "" : "";
    const chosen = keepDraft ? byId("file") : null;
    const focused = document.activeElement?.id;
    for (const id of PARTS) byId(id).replaceWith(byId(id, fresh));
    document.title = fresh.title;
    document.body.className = fresh.body.className;
    if (earlier === province()) byId("tim").value = words;
    filter();
    if (earlier === province()) byId("rows").scrollTop = listTop;
    if (byId("text")) byId("text").value = draft;
    if (chosen && byId("file")) byId("file").replaceWith(chosen);
    choose();
    if (focused) byId(focused)?.focus();
    settle(before, pressed);
  }

  async function show(address, { body, keepDraft = false, push = true, slow = "", pressed }) {
    if (busy) return;
    busy = true;
    document.body.setAttribute("aria-busy", "true");
    if (slow && byId("top")) document.querySelector(".counts").textContent = slow;
    try {
      const answer = await fetch(address, { method: body ? "POST" : "GET", body, credentials: "same-origin" });
      const html = await answer.text();
      if (!answer.ok) {
        const reason = new DOMParser().parseFromString(html, "text/html").querySelector("p");
        trouble(reason?.textContent || `Trang trả lời lỗi ${answer.status}.`);
        return;
      }
      put(html, keepDraft, pressed);
      trouble("");
      if (push && answer.url !== location.href) history.pushState({}, "", answer.url);
    } catch {
      trouble("Không liên lạc được với bản chạy thử. Hãy xem lệnh «nhacviec sandbox» còn chạy không.");
    } finally {
      busy = false;
      document.body.removeAttribute("aria-busy");
    }
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.matches(".search")) { event.preventDefault(); return; }
    if (!form.matches("[data-live]")) return;
    event.preventDefault();
    const typed = form.matches(".compose");
    const file = typed && byId("file").files[0];
    if (typed && !file && !byId("text").value.trim()) return;
    if (file && file.size > Number(form.dataset.most)) return trouble(form.dataset.tooBig);
    const given = new FormData(form, event.submitter);
    const body = typed ? given : new URLSearchParams(given);
    const pressed = body.get("message");
    await show(event.submitter?.getAttribute("formaction") ?? form.getAttribute("action"), { body, keepDraft: !typed, slow: form.dataset.slow, pressed });
    if (typed && canHover) byId("text")?.focus();
  });

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-go]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const isSwitch = link.matches(".switch");
    const keepDraft = link.matches("[data-keep]");  // it is about the message being written
    await show(link.href, { keepDraft });
    if (isSwitch) document.querySelector(".switch")?.focus();
    if (keepDraft) byId("text")?.focus();
    // What was followed is gone from the page: go on from the chat it opened, or from its own place.
    if (link.matches(".row")) byId("thread")?.focus({ preventScroll: true });
    if (link.matches(".provinces a")) document.querySelector(".provinces [aria-current]")?.focus();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === " " && event.target.matches(".switch")) {
      event.preventDefault();
      event.target.click();
    }
    if (event.target.id === "text" && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });

  document.addEventListener("input", (event) => {
    if (event.target.id === "tim") filter();
    if (event.target.id === "text") {
      event.target.style.height = "auto";
      event.target.style.height = `${event.target.scrollHeight + 2}px`;
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.id === "file") { trouble(""); choose(); }
  });
  document.addEventListener("click", (event) => {
    if (event.target.id !== "unchoose") return;
    byId("file").value = "";
    choose();
    byId("file").focus();
  });

  addEventListener("popstate", () => show(location.href, { push: false }));
  // Another tab may have stepped the clock or answered meanwhile.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) show(location.href, { keepDraft: true, push: false });
  });
  filter();
  settle();
})();
