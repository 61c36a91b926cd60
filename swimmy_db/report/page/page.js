// Charts when they come into view, tables that sort, candidates that sort and filter. No request ever leaves.
"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- charts
  const noLoader = { load: () => Promise.reject(new Error("this page fetches nothing")), sanitize: (uri) => Promise.resolve({ href: uri }) };
  const draw = (place) => {
    if (place.dataset.drawn) return Promise.resolve();
    place.dataset.drawn = "yes";
    const options = { actions: { export: true, source: false, compiled: false, editor: false }, renderer: "canvas", loader: noLoader };
    return window.vegaEmbed(place, read(`${place.dataset.chart}-specification`), options)
      .then(() => { place.dataset.ready = "yes"; })
      .catch((fault) => { place.textContent = `This figure could not be drawn: ${fault.message}`; console.error(fault); });
  };
  const charts = [...document.querySelectorAll("[data-chart]")];
  const near = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { near.unobserve(entry.target); draw(entry.target); }
  }), { rootMargin: "600px" });
  charts.forEach((place) => near.observe(place));
  window.addEventListener("beforeprint", () => charts.forEach(draw));

  // ---- the section that is being read
  const entries = new Map([...document.querySelectorAll("nav li a")].map((link) => [link.hash.slice(1), link]));
  const seen = new IntersectionObserver((changes) => changes.forEach((change) => {
    if (!change.isIntersecting) return;
    entries.forEach((link) => link.classList.remove("here"));
    entries.get(change.target.id)?.classList.add("here");
  }), { rootMargin: "-10% 0px -80% 0px" });
  document.querySelectorAll("section").forEach((section) => seen.observe(section));

  // ---- tables: a click on a heading sorts, another turns it round; what is empty comes last
  const compare = (a, b, down) => {
    const emptyA = a === null || a === "" || a === undefined, emptyB = b === null || b === "" || b === undefined;
    if (emptyA || emptyB) return emptyA - emptyB;
    const order = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b), "en", { numeric: true });
    return down ? -order : order;
  };
  const markSorted = (headings, chosen, down) => headings.forEach((heading) => {
    if (heading === chosen) heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    else heading.removeAttribute("aria-sort");
  });
  document.querySelectorAll("table.sortable").forEach((table) => {
    const headings = [...table.tHead.rows[0].cells];
    const value = (row, column) => {
      const text = row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      return text === "" || Number.isNaN(Number(text)) ? text : Number(text);
    };
    headings.forEach((heading, column) => heading.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      markSorted(headings, heading, down);
      const rows = [...table.tBodies[0].rows].sort((a, b) => compare(value(a, column), value(b, column), down));
      table.tBodies[0].append(...rows);
    }));
  });

  // ---- a closer look at stamps, and where else the object can be seen
  const links = read("links");
  const url = (template, ra, dec) => {
    const radians = (degrees) => (degrees * Math.PI / 180).toFixed(9);
    return template.replaceAll("{ra_rad}", radians(ra)).replaceAll("{dec_rad}", radians(dec)).replaceAll("{ra}", ra.toFixed(6)).replaceAll("{dec}", dec.toFixed(6));
  };
  const linksAt = (ra, dec) => links.map((link) => make("a", { href: url(link.url, ra, dec), target: "_blank", rel: "noopener", title: link.title, textContent: link.name }));
  const loupe = document.getElementById("loupe");
  const look = (image, text, ra, dec) => {
    const [picture, words, places] = loupe.firstElementChild.children;
    const factor = Math.max(1, Math.floor(Math.min(0.9 * innerWidth / image.naturalWidth, 0.78 * innerHeight / image.naturalHeight)));
    Object.assign(picture, { src: image.src, width: factor * image.naturalWidth, height: factor * image.naturalHeight });
    words.textContent = text;
    places.replaceChildren(...linksAt(ra, dec));
    loupe.hidden = false;
  };
  loupe.addEventListener("click", (event) => { if (event.target.tagName !== "A") loupe.hidden = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") loupe.hidden = true; });
  document.querySelectorAll(".strip[data-ra]").forEach((strip) => strip.addEventListener("click", (event) => {
    // with a modifier key it stays a link
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    look(strip.querySelector("img"), strip.title, Number(strip.dataset.ra), Number(strip.dataset.dec));
  }));

  // ---- candidates
  const PER_PAGE = 50;
  const explore = (place) => {
    const data = read(`${place.dataset.candidates}-data`);
    const { columns, rows } = data;
    const at = Object.fromEntries(columns.map((column, index) => [column.name, index]));
    const state = { sorted: null, down: false, page: 0, shown: rows };
    const shownText = (column, value) => value === null || value === undefined ? ""
      : column.kind === "number" ? (column.name.startsWith("s_anom") ? Number(value).toPrecision(column.digits) : Number(value).toFixed(column.digits))
      : value;

    const search = make("input", { type: "search", placeholder: "id, class, bands …" });
    const least = make("input", { type: "number", step: "0.1", min: "0", placeholder: "any" });
    const choices = columns.map((column, index) => ({ column, index })).filter(({ column }) => column.kind === "choice").map(({ column, index }) => {
      const values = [...new Set(rows.map((row) => row[index]).filter((value) => value !== null))].sort();
      const select = make("select", { name: column.name }, make("option", { value: "", textContent: "any" }), ...values.map((value) => make("option", { value, textContent: value })));
      if (rows.some((row) => row[index] === null)) select.append(make("option", { value: "-", textContent: "none" }));
      return { column, index, select };
    });
    const previous = make("button", { type: "button", textContent: "‹ before" });
    const next = make("button", { type: "button", textContent: "next ›" });
    const save = make("button", { type: "button", textContent: "save as CSV" });
    const count = make("output");
    const label = (text, input) => make("label", {}, text, input);
    place.append(make("div", { className: "tools" }, label("search", search), ...choices.map(({ column, select }) => label(column.label, select)), label("σ at least", least), previous, next, save, count));

    const head = make("tr");
    const body = make("tbody");
    place.append(make("div", { className: "scroll" }, make("table", {}, make("thead", {}, head), body)));
    head.append(make("th", { scope: "col", textContent: "stamps" }));
    const headings = columns.map((column, index) => {
      const heading = make("th", { scope: "col", textContent: column.label, title: column.title, className: column.kind });
      heading.style.cursor = "pointer";
      heading.dataset.column = column.name;
      heading.addEventListener("click", () => {
        // numbers: the largest first, which is what one looks for
        const first = column.kind === "number";
        state.down = state.sorted === index ? !state.down : first;
        state.sorted = index;
        markSorted(headings, heading, state.down);
        update();
      });
      return heading;
    });
    head.append(...headings);

    const line = (row) => {
      const picture = make("td");
      const stamp = data.stamps[row[at.object_id]];
      if (stamp) {
        const image = make("img", { src: stamp, alt: `original, reconstruction and residual of ${row[at.object_id]}` });
        image.addEventListener("click", () => look(image, `${row[at.object_id]}: original, reconstruction, residual`, row[at.ra], row[at.dec]));
        picture.append(image);
      }
      const cells = columns.map((column, index) => make("td", { className: column.kind === "number" ? "number" : column.kind, textContent: shownText(column, row[index]) }));
      cells[at.object_id].append(make("div", { className: "links" }, ...linksAt(row[at.ra], row[at.dec])));
      return make("tr", {}, picture, ...cells);
    };
    const update = (page = 0) => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const lowest = least.value === "" ? null : Number(least.value);
      state.shown = rows.filter((row) =>
        words.every((word) => row.some((value) => value !== null && String(value).toLowerCase().includes(word)))
        && choices.every(({ index, select }) => select.value === "" || (select.value === "-" ? row[index] === null : row[index] === select.value))
        && (lowest === null || (row[at.max_sigma] !== null && row[at.max_sigma] >= lowest)));
      if (state.sorted !== null) state.shown.sort((a, b) => compare(a[state.sorted], b[state.sorted], state.down));
      const last = Math.max(0, Math.ceil(state.shown.length / PER_PAGE) - 1);
      state.page = Math.min(Math.max(page, 0), last);
      const from = state.page * PER_PAGE, shown = state.shown.slice(from, from + PER_PAGE);
      body.replaceChildren(...shown.map(line));
      count.textContent = state.shown.length ? `${from + 1} to ${from + shown.length} of ${state.shown.length.toLocaleString("en")}` : "none";
      previous.disabled = state.page === 0;
      next.disabled = state.page === last;
    };
    const csv = () => {
      const quoted = (value) => value === null || value === undefined ? "" : /[",\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value;
      const names = columns.map((column) => column.name).concat(data.simulated ? ["is_simulated"] : []);
      const lines = state.shown.map((row) => row.concat(data.simulated ? ["true"] : []).map(quoted).join(","));
      const link = make("a", { href: URL.createObjectURL(new Blob([[names.join(","), ...lines].join("\n") + "\n"], { type: "text/csv" })), download: `${data.name}${data.simulated ? "-simulated" : ""}.csv` });
      link.click();
      URL.revokeObjectURL(link.href);
    };
    [search, least, ...choices.map(({ select }) => select)].forEach((input) => input.addEventListener("input", () => update()));
    previous.addEventListener("click", () => update(state.page - 1));
    next.addEventListener("click", () => update(state.page + 1));
    save.addEventListener("click", csv);
    update();
  };
  document.querySelectorAll("[data-candidates]").forEach(explore);
})();
