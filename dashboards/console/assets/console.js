// Keys, panels in place, the histogram's brush, and relative times that stay
// true. Every page works without this file.
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("js");
  const $ = (selector, from) => (from || document).querySelector(selector);
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  // A click with a modifier opens a new tab, whatever htmx would do.
  document.addEventListener("click", (e) => {
    if (e.ctrlKey || e.metaKey || e.shiftKey) e.stopImmediatePropagation();
  }, true);

  // Panels: the first click loads one, later clicks hide and show it.
  document.addEventListener("click", (e) => {
    const link = e.target.closest && e.target.closest("a[data-panel]");
    if (!link || e.defaultPrevented === false) return;
    const panel = $(link.getAttribute("hx-target"));
    if (!panel || !panel.hasChildNodes()) return;
    panel.parentElement.hidden = !panel.parentElement.hidden;
    link.setAttribute("aria-expanded", String(!panel.parentElement.hidden));
  });
  document.addEventListener("htmx:afterSwap", (e) => {
    const row = e.target.closest("tr.opened");
    if (!row) return;
    row.hidden = false;
    const link = $("a[data-panel]", row.parentElement);
    if (link) link.setAttribute("aria-expanded", "true");
  });
  // What can't be shown in place is shown on its own page, with its reason.
  document.addEventListener("htmx:responseError", (e) => {
    const link = e.target.closest("a[data-panel]");
    if (link) location.href = link.href;
  });

  // A search that is followed holds still while one of its events is open.
  document.addEventListener("htmx:beforeRequest", (e) => {
    if (e.target.hasAttribute("data-still") && $("tr.opened:not([hidden])", e.target)) e.preventDefault();
  });

  // Keys.
  const rows = () => all("[data-row]").filter((r) => r.offsetParent !== null);
  const move = (step) => {
    const list = rows();
    if (!list.length) return;
    const at = list.indexOf(document.activeElement);
    const next = list[Math.max(0, Math.min(list.length - 1, at < 0 ? 0 : at + step))];
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  };
  const help = () => {
    const dialog = $("#keys");
    if (dialog && !dialog.open) dialog.showModal();
  };
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    if (e.target.closest("input, textarea, select, dialog")) {
      if (e.key === "Escape") e.target.blur();
      return;
    }
    const act = { j: () => move(1), k: () => move(-1), "?": help, "/": () => {
      const box = $("[data-search]");
      if (box) { box.focus(); box.select(); } else location.href = "/search";
    }, a: () => {
      const button = $("[data-key=a]");
      if (button) button.click();
    } }[e.key];
    if (act) { e.preventDefault(); act(); }
  });
  document.addEventListener("click", (e) => {
    if (e.target.closest("[data-help]")) help();
    for (const menu of all("details.menu[open]")) if (!menu.contains(e.target)) menu.open = false;
  });
  for (const input of all("[data-select]")) input.addEventListener("focus", () => input.select());

  // Choosing a preset range puts the exact times out of force.
  for (const select of all("[data-range]")) {
    select.addEventListener("change", () => {
      for (const name of ["from", "to"]) if (select.form.elements[name]) select.form.elements[name].value = "";
      select.form.requestSubmit();
    });
  }
  // Empty fields do not belong into an address that is sent to a colleague.
  for (const form of all("form[method=get]")) {
    form.addEventListener("formdata", (e) => {
      for (const [name, value] of Array.from(e.formData)) if (value === "" && name !== "q") e.formData.delete(name);
    });
  }

  // On a telephone, filters that are not in use make room for the list.
  if (matchMedia("(max-width: 40rem)").matches) for (const d of all("details.refine:not([data-used])")) d.open = false;

  // Relative times.
  const units = root.lang === "en"
    ? [[60, " s"], [3600, " min"], [172800, " h"], [604800, " days"]]
    : [[60, "秒"], [3600, "分"], [172800, "時間"], [604800, "日"]];
  const sizes = [1, 60, 3600, 86400];
  const ahead = Date.now() - Number(document.body.dataset.now); // of the server's clock
  const tell = () => {
    for (const el of all("time[data-rel]")) {
      const s = (Date.now() - ahead - Date.parse(el.dateTime)) / 1000;
      const i = units.findIndex(([limit]) => s < limit);
      if (s < 10 || i < 0) continue;
      const text = Math.floor(s / sizes[i]) + units[i][1];
      el.textContent = root.lang === "en" ? text.replace(/^1 days$/, "1 day") + " ago" : text + "前";
    }
  };
  setInterval(tell, 30000);

  // The histogram: one bar takes part in tabbing, arrows move among them;
  // dragging chooses a range.
  const figure = $(".histogram");
  if (!figure) return;
  const svg = $("svg", figure), brush = $(".brush", figure);
  const bars = Array.from(svg.querySelectorAll("a"));
  bars.forEach((b, i) => b.setAttribute("tabindex", i ? "-1" : "0"));
  svg.addEventListener("keydown", (e) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    const at = bars.indexOf(document.activeElement);
    if (!step || at < 0 || !bars[at + step]) return;
    e.preventDefault();
    bars[at].setAttribute("tabindex", "-1");
    bars[at + step].setAttribute("tabindex", "0");
    bars[at + step].focus();
  });
  const from = Number(figure.dataset.from), to = Number(figure.dataset.to);
  let start = null, dragged = false;
  const place = (e) => {
    const box = svg.getBoundingClientRect();
    return Math.max(0, Math.min(1, (e.clientX - box.left) / box.width));
  };
  svg.addEventListener("pointerdown", (e) => {
    if (e.button !== 0 || e.pointerType === "touch") return;
    start = place(e);
    dragged = false;
  });
  document.addEventListener("pointermove", (e) => {
    if (start === null) return;
    const x = place(e);
    if (Math.abs(x - start) < 0.01 && !dragged) return;
    dragged = true;
    brush.setAttribute("x", 1000 * Math.min(x, start));
    brush.setAttribute("width", 1000 * Math.abs(x - start));
    brush.setAttribute("visibility", "visible");
  });
  document.addEventListener("pointerup", (e) => {
    if (start === null) return;
    const a = Math.min(start, place(e)), b = Math.max(start, place(e));
    start = null;
    if (!dragged) return;
    // The server reads local times of Japan without a zone.
    const jst = (part) => new Date(from + part * (to - from) + 9 * 3600000).toISOString().slice(0, 23);
    const url = new URL(location.href);
    for (const name of ["range", "cursor"]) url.searchParams.delete(name);
    url.searchParams.set("from", jst(a));
    url.searchParams.set("to", jst(b));
    location.href = url;
  });
  svg.addEventListener("dragstart", (e) => e.preventDefault());
  svg.addEventListener("click", (e) => { if (dragged) e.preventDefault(); }, true);
})();
