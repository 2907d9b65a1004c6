// Shows the state at the cursor: applies the changes of all steps up to it, and lists what is true, what just changed and
// what is on its way. Neighbours: drawing.js (data, helpers), cursor.js (which step).
"use strict";
const state = (() => {
  const panel = document.querySelector(".state");
  const TITLES = {
    faults: "Faults", workers: "Workers", jobs: "Open jobs", reservations: "Reservations", rooms: "Rooms",
    sights: "Last seen by", waits: "Waits for an answer", connections: "Connections",
  };

  function at(index) {
    const facts = new Map(), changed = new Set();
    const apply = (change) => (change.text === null ? facts.delete(change.fact) : facts.set(change.fact, change));
    data.start.forEach(apply);
    for (let step = 0; step <= index; step++) {
      changed.clear();
      for (const change of data.steps[step].changes) {
        apply(change);
        changed.add(change.fact);
      }
    }
    return { facts, changed };
  }

  // What was said and has not arrived.
  function flying(index) {
    const isFlying = (arrow) => arrow.from !== null && arrow.to !== null && arrow.from <= index && index < arrow.to;
    return new Set(data.arrows.flatMap((arrow, number) => (isFlying(arrow) ? [number] : [])));
  }

  const pretty = (detail) => {
    try {
      return JSON.stringify(JSON.parse(detail), null, 2);
    } catch {
      return detail;
    }
  };

  function show(index) {
    const { facts, changed } = at(index);
    panel.replaceChildren();
    current(index);
    const byNumber = [...facts.keys()].sort((a, b) => a - b);
    for (const section in TITLES) {
      const rows = byNumber.filter((fact) => data.facts[fact].section === section);
      if (rows.length) list(TITLES[section], rows.map((fact) => [data.facts[fact].name, facts.get(fact).text, facts.get(fact).tone, changed.has(fact)]));
      if (section === "jobs") onTheWay(index);
    }
  }

  function current(index) {
    const step = data.steps[index];
    const box = html("div", "current", panel);
    html("h2", "", box, "Step " + (index + 1) + " of " + data.steps.length);
    html("p", "", box, who(step) + step.text);
    if (drawing.markOf(index)) html("p", "mark", box, "◀ " + drawing.markOf(index));
    if (step.detail) html("pre", "", box, pretty(step.detail));
  }

  const who = (step) => (step.lane === null ? "" : data.lanes[step.lane].name + ": ");

  function onTheWay(index) {
    const rows = [...flying(index)].map((number) => {
      const arrow = data.arrows[number], step = data.steps[arrow.from];
      const to = arrow.path[arrow.path.length - 1];
      const what = to === step.lane ? step.text + ", to be answered" : `${step.text}, to ${data.lanes[to].name}`;
      return [data.lanes[step.lane].name, what, "plain", arrow.from === index];
    });
    if (rows.length) list("On its way", rows);
  }

  function list(title, rows) {
    html("h3", "", panel, title);
    const names = html("dl", "", panel);
    for (const [name, text, tone, isNew] of rows) {
      const row = html("div", tone + (isNew ? " changed" : ""), names);
      html("dt", "", row, name);
      html("dd", "", row, text);
    }
  }

  return { show, flying, pretty, who };
})();
