// Draws the steps, arrows and spans of the page's data as lanes over time. Neighbours: state.js and cursor.js, which ask
// for places (`drawing.y`) and say which violation and which step are looked at. Nothing is fetched, and every text from the
// run goes through textContent.
"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const seconds = (ns) => (ns / 1e9).toFixed(3);
const svg = (name, attributes, parent, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
};
const html = (name, className, parent, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
};

const drawing = (() => {
  const canvas = document.querySelector(".canvas");
  const WAIT_NS = 1e9; // A longer wait is told.
  const arrowsAt = new Map(); // Step -> the arrow that begins there.
  data.arrows.forEach((arrow) => arrow.from !== null && arrowsAt.set(arrow.from, arrow));
  const arrowsTo = new Map();
  data.arrows.forEach((arrow) => arrow.to !== null && arrowsTo.set(arrow.to, arrow));
  let mode = "all", visible = [], ys = [], bottoms = [], height = 0, width = 0, gutter = 0, spacing = 0, compact = false;
  let root, future, line, bubble, named = new Set(), namedSpans = new Set(), labels = [];

  const x = (lane) => gutter + spacing * (lane + 0.5);
  const wordsOf = (index) => (data.steps[index].has_words || named.has(index) ? data.steps[index].text : "");
  const markOf = (index) => data.steps[index].mark || (named.has(index) ? "named by the check" : "");
  const fitted = (text) => {
    const most = Math.floor((width - gutter - 8) / (compact ? 5.9 : 6.7));
    return text.length > most ? text.slice(0, Math.max(most - 1, 1)) + "…" : text;
  };

  const isShown = (index) => mode === "all" || data.steps[index].is_story || named.has(index);

  // Steps that are not shown have a place by their time between those that are, so that whatever begins or ends there has one.
  function place() {
    ys = []; bottoms = []; visible = [];
    let y = 22, before = null;
    data.steps.forEach((step, index) => {
      if (!isShown(index)) {
        ys.push(null);
        bottoms.push(bottoms.length ? bottoms[bottoms.length - 1] : 8);
        return;
      }
      if (before !== null && step.t_ns - before >= WAIT_NS) y += 22;
      // Words stand above the arrow that begins here, and below the one that ends here.
      const rows = (wordsOf(index) ? 25 + (arrowsTo.has(index) ? 9 : 0) : 19) + (markOf(index) ? 16 : 0);
      ys.push(y + 9);
      y += rows;
      bottoms.push(y - 2);
      visible.push(index);
      before = step.t_ns;
    });
    height = y + 130; // So that the last steps can be moved from below the dock.
    let next = 0;
    ys = ys.map((y, index) => {
      while (next < visible.length && visible[next] < index) next += 1;
      if (y !== null) return y;
      const before = visible[next - 1], after = visible[next];
      if (before === undefined) return 8;
      if (after === undefined) return ys[before] + 6;
      const wait = data.steps[after].t_ns - data.steps[before].t_ns;
      return ys[before] + (ys[after] - ys[before]) * (wait ? (data.steps[index].t_ns - data.steps[before].t_ns) / wait : 0.5);
    });
  }

  function draw() {
    compact = canvas.clientWidth < 620;
    gutter = compact ? 50 : 70;
    const least = compact ? 58 : 84;
    width = Math.max(canvas.clientWidth - 2, gutter + least * data.lanes.length);
    spacing = (width - gutter) / data.lanes.length;
    place();
    canvas.replaceChildren();
    const heads = html("div", "heads", canvas);
    heads.style.width = width + "px";
    data.lanes.forEach((lane, index) => {
      const head = html("span", lane.is_server ? "server" : "", heads, lane.name);
      head.style.left = x(index) + "px";
      head.style.maxWidth = spacing - 4 + "px";
      head.title = lane.name;
    });
    root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "lanes" + (compact ? " compact" : "") }, canvas);
    const defs = svg("defs", {}, root);
    const hatch = svg("pattern", { id: "hatch", width: 7, height: 7, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, defs);
    svg("rect", { width: 3, height: 7, class: "hatch" }, hatch);
    data.spans.forEach((span) => span.kind === "fault" && fault(span));
    visible.forEach((index) => named.has(index) && svg("rect", { x: 0, y: ys[index] - 14, width, height: bottoms[index] - ys[index] + 16, class: "band" }, root));
    data.lanes.forEach((lane, index) => svg("line", { x1: x(index), x2: x(index), y1: 0, y2: height, class: lane.is_server ? "life server" : "life" }, root));
    data.spans.forEach((span, index) => span.kind === "job" ? job(span, index) : span.kind === "operation" && namedSpans.has(index) && operation(span));
    data.arrows.forEach(arrow);
    visible.forEach(times);
    labels = [];
    visible.forEach(words);
    moveIn();
    data.spans.forEach((span) => span.kind === "fault" && faultName(span));
    future = svg("rect", { x: 0, y: 0, width, height, class: "future" }, root);
    line = svg("line", { x1: 0, x2: width, y1: 0, y2: 0, class: "cursor" }, root);
    bubble = svg("text", { x: 4, y: 0, class: "bubble" }, root);
  }

  const begins = (span) => (span.from === null ? 0 : ys[span.from]);
  const ends = (span) => (span.to === null ? height : ys[span.to]);

  function fault(span) {
    const lanes = span.lanes.length ? span.lanes : data.lanes.map((_, index) => index);
    for (const lane of lanes) {
      const top = begins(span);
      svg("rect", { x: x(lane) - spacing / 2 + 3, y: top, width: spacing - 6, height: Math.max(ends(span) - top, 8), class: "fault", fill: "url(#hatch)" }, root);
    }
  }

  function faultName(span) {
    const lane = span.lanes.length ? Math.min(...span.lanes) : 0;
    if (span.from === null || mode === "all" || !isShown(span.from)) {
      svg("text", { x: x(lane) - spacing / 2 + 7, y: begins(span) + 12, class: "fault" }, root, span.text);
    }
  }

  function job(span, index) {
    const meets = (other) => other.kind === "job" && other.lanes[0] === span.lanes[0] && begins(other) < ends(span) && begins(span) < ends(other);
    const earlier = data.spans.slice(0, index).filter(meets).length;
    const top = begins(span);
    const bar = svg("rect", { x: x(span.lanes[0]) - 5 + earlier * 9, y: top, width: 8, height: Math.max(ends(span) - top, 6), rx: 3, class: earlier ? "job second" : "job" }, root);
    svg("title", {}, bar, "job " + span.text);
  }

  function operation(span) {
    const top = begins(span) - 9;
    svg("rect", { x: x(span.lanes[0]) - 11, y: top, width: 22, height: ends(span) + 9 - top, rx: 11, class: "operation" }, root);
  }

  function arrow(it, index) {
    const shown = (step) => step === null || isShown(step);
    if (!shown(it.from) || !shown(it.to)) return;
    const from = it.from === null ? ys[it.to] - 11 : ys[it.from];
    const to = it.to === null ? from + 11 : Math.max(ys[it.to], from + 3);
    const points = it.path.map((lane, place) => [x(lane), from + ((to - from) * place) / (it.path.length - 1)]);
    const isNamed = named.has(it.from) || named.has(it.to);
    const group = svg("g", { class: `arrow ${it.fate}${it.path[0] === it.path[it.path.length - 1] ? " question" : ""}${isNamed ? " named" : ""}`, "data-arrow": index }, root);
    const d = "M" + points.map((point) => point.map((it) => it.toFixed(1)).join(",")).join(" L");
    svg("path", { d, class: "hit" }, group);
    svg("path", { d, class: "shaft" }, group);
    if (points.length > 2) svg("circle", { cx: points[1][0], cy: points[1][1], r: 2.5, class: "pass" }, group);
    const [[ax, ay], [bx, by]] = points.slice(-2);
    const length = Math.hypot(bx - ax, by - ay) || 1, ux = (bx - ax) / length, uy = (by - ay) / length;
    if (it.fate === "open" && it.to === null) {
      svg("path", { d: `M${bx - 5},${by - 5} l10,10 M${bx + 5},${by - 5} l-10,10`, class: "cross" }, group);
    } else {
      const tip = [bx - ux * 3, by - uy * 3];
      svg("path", { d: `M${tip[0]},${tip[1]} L${tip[0] - ux * 8 - uy * 4},${tip[1] - uy * 8 + ux * 4} L${tip[0] - ux * 8 + uy * 4},${tip[1] - uy * 8 - ux * 4} Z`, class: "head" }, group);
    }
  }

  function times(index, place) {
    const step = data.steps[index], before = place ? data.steps[visible[place - 1]] : null;
    const wait = before ? step.t_ns - before.t_ns : 0;
    if (wait >= WAIT_NS) svg("text", { x: gutter - 8, y: ys[index] - 20, class: "wait" }, root, `⋮ ${(wait / 1e9).toFixed(1)} s`);
    if (!before || seconds(before.t_ns) !== seconds(step.t_ns)) svg("text", { x: gutter - 8, y: ys[index] + 4, class: "time" }, root, seconds(step.t_ns));
  }

  // Words stand beside their lane, on the side to which the arrow goes, and are moved in from the edges.
  function words(index) {
    const step = data.steps[index], isNamed = named.has(index);
    const group = svg("g", { class: "step" + (isNamed ? " named" : ""), "data-step": index }, root);
    if (step.lane === null) {
      svg("text", { x: gutter + 6, y: ys[index] + 4, class: "run" }, group, fitted(step.text));
      return;
    }
    const own = x(step.lane), leaves = arrowsAt.get(index), arrives = arrowsTo.get(index);
    if (isNamed) svg("circle", { cx: own, cy: ys[index], r: 7.5, class: "ring" }, group);
    svg("circle", { cx: own, cy: ys[index], r: 3.5, class: "knob" }, group);
    const said = leaves || arrives;
    const towards = said ? (said.path[said.path[0] === step.lane ? 1 : said.path.length - 2] ?? step.lane) : step.lane;
    const isLeft = towards < step.lane || (towards === step.lane && own > width * 0.66);
    const drop = leaves ? -5 : said ? 12 : 4;
    const texts = [[wordsOf(index), "words"], [markOf(index) && "◀ " + markOf(index), "mark"]].filter(([text]) => text);
    texts.forEach(([text, className], row) => {
      const node = svg("text", { x: own + (isLeft ? -10 : 10), y: ys[index] + drop + row * (leaves ? 22 : 15), class: className, "text-anchor": isLeft ? "end" : "start" }, group, fitted(text));
      labels.push(node);
    });
  }

  // All are measured before any is moved: a browser lays the page out once for that, not once for each.
  function moveIn() {
    const boxes = labels.map((node) => node.getBBox());
    boxes.forEach((box, index) => {
      if (box.x < gutter) labels[index].setAttribute("dx", gutter - box.x + 2);
      if (box.x + box.width > width) labels[index].setAttribute("dx", width - box.x - box.width - 2);
    });
  }

  function show(index, flying) {
    const y = bottoms[index] ?? 0;
    future.setAttribute("y", y);
    future.setAttribute("height", Math.max(height - y, 0));
    line.setAttribute("y1", y);
    line.setAttribute("y2", y);
    bubble.setAttribute("y", y - 4);
    for (const group of root.querySelectorAll(".arrow")) group.classList.toggle("flying", flying.has(Number(group.dataset.arrow)));
    for (const group of root.querySelectorAll(".step")) group.classList.toggle("current", Number(group.dataset.step) === index);
  }

  return {
    canvas, draw, show,
    y: (index) => ys[index],
    visible: () => visible,
    lookAt(violation) {
      named = new Set(violation ? violation.steps : []);
      namedSpans = new Set(violation ? violation.spans : []);
    },
    named: () => named, markOf,
    setMode(next) { mode = next; },
  };
})();
