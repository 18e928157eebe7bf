"use strict";
(() => {
  const run = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  // Everything that comes from data goes in as text: there is no innerHTML here.
  const h = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else element.setAttribute(name, value);
    }
    for (const child of children.flat(Infinity)) {
      if (child !== null && child !== undefined && child !== false && child !== "")
        element.append(child.nodeType ? child : String(child));
    }
    return element;
  };
  const plural = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many || one + "s"}`;
  const time = (ms) => (ms < 1000 ? `${ms} ms` : ms < 60000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.floor(ms / 60000)} min ${Math.round((ms % 60000) / 1000)} s`);

  const STATES = {
    failed: ["Failed", "bad", "✕"],
    deviated: ["Deviating", "warn", "≠"],
    passed: ["As recorded", "good", "✓"],
    skipped: ["Skipped", "calm", "–"],
    cancelled: ["Cancelled", "calm", "–"],
  };
  const CALLS = {
    matched: ["as recorded", "good"],
    matched_loosely: ["other input", "info"],
    missing: ["missing", "bad"],
    new: ["new", "bad"],
    more_often: ["more often", "warn"],
    not_asked: ["not asked in replay", "calm"],
    ignored: ["ignored", "calm"],
  };
  const MATCHES = {
    input_value_hash: "equal input",
    input_value_hash_reduced_schema: "equal but for fields without importance",
    input_schema_hash: "same shape of input",
    input_schema_hash_reduced_schema: "same shape but for fields without importance",
    fuzzy: "most similar input",
    fallback: "fallback",
    unspecified: "matched",
  };
  const CHANGES = { added: ["+ new", "good"], removed: ["− gone", "bad"], changed: ["≠ changed", "warn"] };

  // The head.
  const totals = run.totals;
  const wrong = totals.deviated + totals.failed;
  const verdict = run.interrupted ? ["Interrupted", "warn"] : totals.tests === 0 ? ["No tests", "calm"] : wrong ? [`${plural(wrong, "test")} not as recorded`, "bad"] : ["All as recorded", "good"];
  const meta = (text) => h("span", {}, text);
  byId("head").append(
    h("div", { class: "verdict" }, h("h1", {}, run.service || "Replay"), h("b", { class: verdict[1] }, verdict[0])),
    h("p", { class: "meta" },
      meta(new Date(run.started).toLocaleString("en", { dateStyle: "long", timeStyle: "short" })),
      meta(`took ${time(run.duration_ms)}`),
      run.recording.path && meta(`${run.recording.path}: ${plural(run.recording.traces, "trace")}, ${plural(run.recording.spans, "span")}`),
      run.runtime && meta(`${run.runtime} SDK ${run.sdk_version || ""}`)),
    h("div", { class: "bar", "aria-hidden": "true" }, Object.entries(STATES).filter(([state]) => totals[state]).map(([state, [, tone]]) => {
      const part = h("i", { class: tone });
      part.style.flexGrow = totals[state];
      return part;
    })),
    h("ul", { class: "sums" },
      Object.entries(STATES).filter(([state]) => totals[state]).map(([state, [name]]) => h("li", {}, h("b", {}, totals[state].toLocaleString("en")), name.toLowerCase())),
      h("li", {}, h("b", {}, totals.deviations.toLocaleString("en")), totals.deviations === 1 ? "deviation" : "deviations"),
      totals.accepted ? h("li", {}, h("b", {}, totals.accepted.toLocaleString("en")), "accepted by rules") : null),
  );
  const about = [...(run.errors || []), ...(run.notices || [])];
  if (about.length) byId("notices").append(h("div", { class: "panel" }, h("p", {}, "About this run"), h("ul", {}, about.map((text) => h("li", {}, text)))));
  byId("made").textContent = `Made by drift ${run.tool.version}. Nothing on this page was loaded from elsewhere.`;

  // A JSON text over several lines, its numbers and strings untouched.
  const pretty = (text) => {
    if (!/^[[{]/.test(text) || text.length > 200000) return text;
    let out = "", depth = 0, quoted = false;
    for (let at = 0; at < text.length; at++) {
      const c = text[at];
      if (quoted) {
        out += c;
        if (c === "\\") out += text[++at];
        else if (c === '"') quoted = false;
      } else if (c === '"') { quoted = true; out += c; }
      else if ((c === "{" || c === "[") && text[at + 1] !== "}" && text[at + 1] !== "]") out += c + "\n" + "  ".repeat(++depth);
      else if ((c === "}" || c === "]") && text[at - 1] !== "{" && text[at - 1] !== "[") out += "\n" + "  ".repeat(--depth) + c;
      else if (c === ",") out += c + "\n" + "  ".repeat(depth);
      else if (c === ":") out += ": ";
      else out += c;
    }
    return out;
  };
  const LONG = 1200;
  // A value, cut when long; `other` marks the part that differs from it.
  const value = (text, other) => {
    const shown = pretty(text);
    const pre = h("pre", {});
    const fill = (full) => {
      pre.replaceChildren();
      const cut = full ? shown : shown.slice(0, LONG);
      const rival = other === undefined ? undefined : pretty(other);
      if (rival !== undefined && cut.length < 400 && rival.length < 400 && !cut.includes("\n")) {
        let start = 0;
        while (start < cut.length && cut[start] === rival[start]) start++;
        let end = 0;
        while (end < cut.length - start && end < rival.length - start && cut[cut.length - 1 - end] === rival[rival.length - 1 - end]) end++;
        if (start + end > 0 && start + end < cut.length) {
          pre.append(cut.slice(0, start), h("mark", {}, cut.slice(start, cut.length - end)), cut.slice(cut.length - end));
          return;
        }
      }
      pre.append(cut + (!full && shown.length > LONG ? " …" : ""));
    };
    fill(false);
    if (shown.length <= LONG) return [pre];
    const button = h("button", { type: "button", class: "showall", onclick: () => { fill(true); button.remove(); } }, `Show all ${shown.length.toLocaleString("en")} characters`);
    return [pre, button];
  };
  const pair = (was, now) => {
    const side = (tone, name, text, other) => h("div", { class: `side ${tone}` }, h("h3", {}, name), value(text, other));
    const sides = [
      was !== undefined && side("was", "Recorded", was, now),
      now !== undefined && side("now", "Now", now, was),
    ].filter(Boolean);
    return sides.length ? h("div", { class: sides.length === 1 ? "pair one" : "pair" }, sides) : null;
  };
  const lines = (all) => h("div", { class: "lines", tabindex: "0", role: "region", "aria-label": "Changed lines" }, h("table", {}, h("tbody", {}, all.map((line) =>
    line.side === "gap"
      ? h("tr", { class: "gap" }, h("td", { colspan: "4" }, "⋯"))
      : h("tr", { class: line.side }, h("td", { class: "n" }, line.recorded || ""), h("td", { class: "n" }, line.actual || ""),
        h("td", { class: "n" }, { both: "", recorded: "−", actual: "+" }[line.side]), h("td", {}, line.text))))));
  const deviation = (one) => {
    const [word, tone] = CHANGES[one.change];
    return h("div", { class: "dev" },
      h("p", {}, h("span", { class: `badge ${tone}` }, word), h("span", { class: "path" }, one.path || one.part), h("span", { class: "said" }, one.path && /^ (differs|is new|is gone)$/.test(one.description.slice(one.path.length)) ? "" : one.description), h("code", { class: "quiet" }, one.code)),
      one.lines ? lines(one.lines) : one.part === "outbound" ? null : pair(one.recorded, one.actual));
  };
  const call = (one, deviations) => {
    const [word, tone] = CALLS[one.state];
    const numbers = [one.recorded_position && `recorded ${one.recorded_position}`, one.live_position && `now ${one.live_position}`].filter(Boolean).join(" · ");
    const why = [one.match_type && MATCHES[one.match_type], one.similarity !== undefined && `similarity ${one.similarity.toFixed(3)}`, one.why, one.parent && `in ${one.parent}`, one.match_scope === "global" && "from anywhere in the recording"].filter(Boolean).join(" · ");
    const rows = one.input_differences || [];
    return h("li", { class: `s-${one.state}${one.out_of_order ? " moved" : ""}` },
      h("div", { class: "call" }, h("span", { class: `badge ${tone}` }, word), one.out_of_order ? h("span", { class: "badge warn" }, "other order") : null, h("code", {}, one.summary), h("span", { class: "nums" }, numbers)),
      deviations.map((text) => h("p", { class: "why" }, h("b", {}, text.description))),
      why ? h("p", { class: "why" }, why) : null,
      rows.length ? h("details", {}, h("summary", {}, `${plural(rows.length, "difference")} in the input`), h("table", { class: "plain" },
        h("thead", {}, h("tr", {}, ["Path", "Recorded", "Now", "Rule"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, h("td", {}, row.path), h("td", {}, row.recorded === undefined ? "absent" : row.recorded), h("td", {}, row.actual === undefined ? "absent" : row.actual), h("td", { class: "words" }, row.accepted_by || "")))))) : null,
      one.runners_up ? h("details", {}, h("summary", {}, `${plural(one.runners_up.length, "runner-up", "runners-up")}`), h("ul", { class: "quiet" }, one.runners_up.map((other) => h("li", {}, h("code", {}, other.span_id), ` similarity ${other.score.toFixed(3)}`)))) : null);
  };
  const details = (test) => {
    const all = test.deviations || [];
    const response = all.filter((one) => one.part !== "outbound");
    const calls = test.calls || [];
    const accepted = test.accepted || [];
    const fact = (name, text) => text !== undefined && text !== "" ? h("span", {}, `${name} `, h("code", {}, text)) : null;
    return h("div", { class: "body" },
      h("p", { class: "facts" }, fact("trace", test.trace_id), fact("file", test.file), fact("environment", test.environment),
        test.recorded_duration_ms !== undefined ? fact("recorded in", time(test.recorded_duration_ms)) : null,
        test.crashed_server ? h("span", { class: "badge bad" }, "the service crashed") : null, test.retried_after_crash ? h("span", { class: "badge calm" }, "run again after a crash") : null),
      test.error ? h("div", { class: "panel err" }, h("p", {}, test.error)) : null,
      test.notices ? h("div", { class: "panel" }, h("ul", {}, test.notices.map((text) => h("li", {}, text)))) : null,
      response.length ? [h("h2", {}, "Response", h("small", {}, plural(response.length, "deviation"))), response.map(deviation)] : h("p", { class: "quiet" }, test.state === "passed" ? "The response is as recorded." : test.state === "deviated" ? "The response is as recorded; the calls are not." : ""),
      test.more_deviations ? h("p", { class: "quiet" }, `${plural(test.more_deviations, "more deviation")} not listed.`) : null,
      calls.length ? [h("h2", {}, "Outbound calls", h("small", {}, callCounts(calls))), h("ol", { class: "calls" }, calls.map((one, index) => call(one, all.filter((other) => other.call === index))))] : null,
      accepted.length ? h("details", {}, h("summary", {}, `${plural(accepted.length + (test.more_accepted || 0), "difference")} accepted by rules${test.more_accepted ? `, the first ${accepted.length} listed` : ""}`), h("table", { class: "plain" },
        h("thead", {}, h("tr", {}, ["Where", "Recorded", "Now", "Rule"].map((name) => h("th", { scope: "col" }, name)))),
        h("tbody", {}, accepted.map((one) => h("tr", {}, h("td", {}, one.path ? (one.part === "body" ? one.path : `${one.part} ${one.path}`) : one.part),
          h("td", {}, short(one.recorded)), h("td", {}, short(one.actual)), h("td", { class: "words" }, `${one.rule}: ${one.detail}`)))))) : null,
      test.service_output ? h("details", {}, h("summary", {}, "What the service printed"), h("div", { class: "panel" }, h("pre", { tabindex: "0" }, test.service_output))) : null);
  };
  const short = (text) => (text === undefined ? "absent" : text.length > 300 ? text.slice(0, 299) + "…" : text);
  const callCounts = (calls) => {
    const counts = {};
    for (const one of calls) counts[one.state] = (counts[one.state] || 0) + 1;
    return Object.entries(CALLS).filter(([state]) => counts[state]).map(([state, [word]]) => `${counts[state]} ${word}`).join(", ");
  };

  // The list: rows are made as they come into view, details when they are opened.
  const tests = run.tests;
  const list = byId("tests");
  const BATCH = 150;
  let shown = [];
  let made = 0;
  const open = new Set();
  const CODES = { CALL_MISSING: "call missing", CALL_NEW: "new call", CALL_MORE_OFTEN: "call more often", CALL_ORDER: "calls in another order", CALL_CHANGED: "call with other input", BODY_TEXT_CHANGED: "text", BODY_BINARY_CHANGED: "bytes", BODY_KIND_CHANGED: "kind of body", STATUS_CHANGED: "status", NO_RESPONSE: "no response" };
  const nameOf = (one) => {
    const name = one.path || CODES[one.code] || one.part.replace(/^headers\./, "header ");
    return name.length > 40 ? name.slice(0, 39) + "…" : name;
  };
  const summaryOf = (test) => {
    const words = [];
    if (test.recorded_status !== undefined && test.actual_status !== undefined && test.recorded_status !== test.actual_status) words.push(`${test.recorded_status} → ${test.actual_status}`);
    else if (test.actual_status !== undefined) words.push(String(test.actual_status));
    const count = (test.deviations || []).length + (test.more_deviations || 0);
    const first = test.deviations && test.deviations.find((one) => one.part !== "status" || count === 1);
    if (first && !test.error) words.push(nameOf(first) + (count > 1 ? ` and ${count - 1} more` : ""));
    else if (test.error) words.push(test.error.length > 40 ? test.error.slice(0, 39) + "…" : test.error);
    return words.join(" · ");
  };
  const setOpen = (item, on) => {
    const test = tests[item.dataset.index];
    const row = item.firstElementChild;
    row.setAttribute("aria-expanded", String(on));
    item.classList.toggle("open", on);
    if (on) {
      open.add(test);
      if (item.children.length === 1) item.append(details(test));
    } else {
      open.delete(test);
      while (item.children.length > 1) item.lastElementChild.remove();
    }
  };
  const item = (index) => {
    const test = tests[index];
    const [name, tone, mark] = STATES[test.state];
    const row = h("button", { type: "button", class: "row", "aria-expanded": "false" },
      h("span", { class: "arrow", "aria-hidden": "true" }, "▶"),
      h("span", {}, h("span", { class: `badge ${tone}` }, `${mark} ${name}`)),
      h("span", { class: "method" }, test.method || ""),
      h("span", { class: "target", title: test.target || test.name }, test.target || test.name),
      h("span", { class: "what" }, summaryOf(test)),
      h("span", { class: "time" }, time(test.duration_ms)));
    const element = h("li", { "data-index": String(index) }, row);
    row.addEventListener("click", () => setOpen(element, row.getAttribute("aria-expanded") !== "true"));
    if (open.has(test)) setOpen(element, true);
    return element;
  };
  const makeMore = () => {
    const next = shown.slice(made, made + BATCH);
    list.append(...next.map(item));
    made += next.length;
    return next.length > 0;
  };
  const words = new Map();
  const textOf = (index) => {
    if (!words.has(index)) {
      const test = tests[index];
      const parts = [test.name, test.target, test.trace_id, test.file, test.error, STATES[test.state][0]];
      for (const one of test.deviations || []) parts.push(one.path, one.part, one.code, one.description, one.recorded, one.actual);
      for (const one of test.calls || []) parts.push(one.summary, one.package, one.why, CALLS[one.state][0]);
      words.set(index, parts.filter(Boolean).join("\n").toLowerCase());
    }
    return words.get(index);
  };
  const active = new Set(Object.keys(STATES));
  const query = byId("query");
  const refresh = () => {
    const terms = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    shown = [];
    tests.forEach((test, index) => {
      if (active.has(test.state) && terms.every((term) => textOf(index).includes(term))) shown.push(index);
    });
    made = 0;
    list.replaceChildren();
    makeMore();
    observer.unobserve(end);
    observer.observe(end);
    byId("count").textContent = shown.length === tests.length ? plural(tests.length, "test") : `${shown.length.toLocaleString("en")} of ${plural(tests.length, "test")}`;
  };
  const present = Object.keys(STATES).filter((state) => totals[state]);
  const paint = () => {
    for (const button of byId("filters").children) {
      const state = button.dataset.state;
      button.setAttribute("aria-pressed", String(state === "all" ? present.every((one) => active.has(one)) : !present.every((one) => active.has(one)) && active.has(state)));
    }
  };
  const choose = (state) => {
    const wasAll = present.every((one) => active.has(one));
    if (state === "all") Object.keys(STATES).forEach((one) => active.add(one));
    else if (wasAll) { active.clear(); active.add(state); }
    else if (active.has(state)) active.delete(state);
    else active.add(state);
    if (active.size === 0) Object.keys(STATES).forEach((one) => active.add(one));
    paint();
    refresh();
  };
  const chip = (state, name, count) => h("button", { type: "button", "data-state": state, "aria-pressed": "false", onclick: () => choose(state) }, name, h("span", {}, count.toLocaleString("en")));
  byId("filters").append(chip("all", "All", totals.tests), ...present.map((state) => chip(state, STATES[state][0], totals[state])));
  let waiting;
  query.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(refresh, 80);
  });
  // Observed anew after each batch: the observer speaks only when something changes,
  // and after a short batch the end of the list may still be in view.
  const end = byId("more");
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting) || !makeMore()) return;
    observer.unobserve(end);
    observer.observe(end);
  }, { rootMargin: "1200px" });
  observer.observe(end);
  byId("toggle-all").addEventListener("click", (event) => {
    const on = event.target.textContent.startsWith("Open");
    // Bounded: a page with thousands of open tests helps nobody.
    [...list.children].slice(0, 200).forEach((element) => setOpen(element, on));
    event.target.textContent = on ? "Close all shown" : "Open all shown";
  });
  const theme = byId("theme");
  const isDark = () => (document.documentElement.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
  theme.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
    nameTheme();
  });
  nameTheme();
  addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (event.key === "Escape" && event.target === query) { query.value = ""; refresh(); query.blur(); return; }
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); query.focus(); return; }
    const step = { j: 1, k: -1 }[event.key];
    if (!step) return;
    const rows = [...list.children];
    const current = rows.indexOf(event.target.closest ? event.target.closest(".tests>li") : null);
    const next = Math.max(0, current < 0 ? 0 : current + step);
    if (next >= list.children.length) makeMore();
    const row = list.children[Math.min(next, list.children.length - 1)];
    if (row) { row.firstElementChild.focus(); event.preventDefault(); }
  });
  // What did not go as recorded comes first to the eye.
  if (wrong) {
    for (const state of Object.keys(STATES)) if (state !== "failed" && state !== "deviated") active.delete(state);
  }
  // `#<trace id>` opens that test.
  const follow = () => {
    const id = location.hash.slice(1);
    const index = tests.findIndex((test) => id && test.trace_id === id);
    if (index < 0) return;
    Object.keys(STATES).forEach((state) => active.add(state));
    query.value = "";
    open.add(tests[index]);
    paint();
    refresh();
    while (made <= index && makeMore());
    const element = list.children[index];
    if (element) { element.scrollIntoView(); element.firstElementChild.focus(); }
  };
  paint();
  refresh();
  follow();
  addEventListener("hashchange", follow);
})();
