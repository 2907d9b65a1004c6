// The cursor: a slider over time, keys, buttons, and what a pointer is over. Neighbours: drawing.js (where a step is),
// state.js (what is true there).
"use strict";
(() => {
  const slider = document.querySelector(".slider"), strip = document.querySelector(".strip");
  const now = document.querySelector(".now"), playButton = document.querySelector("[data-go=play]");
  const first = data.steps.length ? data.steps[0].t_ns : 0;
  const last = data.steps.length ? data.steps[data.steps.length - 1].t_ns : 1;
  const radio = (name) => document.querySelector(`input[name=${name}]:checked`);
  let at = 0, playing = null;

  function go(index, isQuiet) {
    if (!data.steps.length) return;
    at = Math.min(Math.max(index, 0), data.steps.length - 1);
    const step = data.steps[at];
    slider.value = step.t_ns;
    const words = `${seconds(step.t_ns)} s  ${state.who(step)}${step.text}`;
    slider.setAttribute("aria-valuetext", words);
    now.replaceChildren();
    html("b", "", now, seconds(step.t_ns) + " s ");
    html("span", "", now, state.who(step) + step.text);
    if (drawing.markOf(at)) html("span", "mark", now, " ◀ " + drawing.markOf(at));
    state.show(at);
    drawing.show(at, state.flying(at));
    if (!isQuiet) reveal();
  }

  // Scrolls the lanes only, never the page.
  function reveal() {
    const box = drawing.canvas, place = box.getBoundingClientRect();
    const y = drawing.y(at) + box.querySelector(".heads").clientHeight;
    const seen = Math.min(place.bottom, document.querySelector(".dock").getBoundingClientRect().top) - place.top;
    const height = seen > 150 ? Math.min(seen, box.clientHeight) : box.clientHeight;
    if (y < box.scrollTop + 50 || y > box.scrollTop + height - 90) box.scrollTop = y - height * 0.6;
  }

  function move(by) {
    const shown = drawing.visible();
    let place = shown.findIndex((index) => index >= at);
    if (place < 0) place = shown.length - 1;
    else if (shown[place] !== at && by > 0) place -= 1;
    go(shown[Math.min(Math.max(place + by, 0), shown.length - 1)] ?? at);
  }

  function nextNamed() {
    const steps = [...drawing.named()].sort((a, b) => a - b);
    if (steps.length) go(steps.find((index) => index > at) ?? steps[0]);
  }

  function play() {
    const isOver = () => at >= (drawing.visible().at(-1) ?? 0);
    const stop = () => {
      clearInterval(playing);
      playing = null;
      playButton.textContent = "▶";
      playButton.setAttribute("aria-label", "Play");
    };
    if (playing) return stop();
    if (isOver()) go(drawing.visible()[0]);
    playButton.textContent = "❚❚";
    playButton.setAttribute("aria-label", "Pause");
    playing = setInterval(() => (isOver() ? stop() : move(1)), 650);
  }

  const doings = {
    start: () => go(drawing.visible()[0]), end: () => go(drawing.visible().at(-1)), back: () => move(-1), on: () => move(1),
    far_back: () => move(-10), far_on: () => move(10), named: nextNamed, play,
  };
  const KEYS = {
    ArrowLeft: "back", ArrowUp: "back", ArrowRight: "on", ArrowDown: "on", Home: "start", End: "end",
    PageUp: "far_back", PageDown: "far_on", n: "named", N: "named", " ": "play",
  };

  document.querySelector(".buttons").addEventListener("click", (event) => {
    const button = event.target.closest("[data-go]");
    if (button) doings[button.dataset.go]();
  });
  for (const place of [slider, drawing.canvas]) {
    place.addEventListener("keydown", (event) => {
      const doing = KEYS[event.key];
      if (!doing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      doings[doing]();
    });
  }
  slider.addEventListener("input", () => {
    const shown = drawing.visible();
    let found = shown[0] ?? 0;
    for (const index of shown) if (data.steps[index].t_ns <= Number(slider.value)) found = index;
    go(found);
  });

  // What a pointer is over, and on a phone what was tapped.
  const pop = html("div", "pop", document.body);
  pop.hidden = true;
  function tell(event) {
    const target = event.target.closest && event.target.closest("[data-arrow], [data-step]");
    if (!target) return (pop.hidden = true);
    const arrow = target.dataset.arrow ? data.arrows[target.dataset.arrow] : null;
    const index = arrow ? (arrow.from ?? arrow.to) : Number(target.dataset.step);
    const step = data.steps[index];
    pop.replaceChildren();
    html("b", "", pop, state.who(step) + step.text);
    html("p", "", pop, arrow && arrow.from !== null ? passage(arrow) : seconds(step.t_ns) + " s");
    if (step.detail) html("pre", "", pop, state.pretty(step.detail));
    const answer = arrow && arrow.to !== null && arrow.from !== null && arrow.path[0] === arrow.path.at(-1) ? data.steps[arrow.to] : null;
    if (answer) {
      html("b", "", pop, answer.text);
      if (answer.detail) html("pre", "", pop, state.pretty(answer.detail));
    }
    pop.hidden = false;
    const box = pop.getBoundingClientRect(), edge = 8;
    pop.style.left = Math.max(edge, Math.min(event.clientX + 14, innerWidth - box.width - edge)) + "px";
    pop.style.top = Math.max(edge, Math.min(event.clientY + 14, innerHeight - box.height - edge)) + "px";
  }
  function passage(arrow) {
    const sent = data.steps[arrow.from].t_ns;
    if (arrow.to === null) return `sent at ${seconds(sent)} s, ${arrow.fate === "open" ? "no arrival or answer seen" : "its arrival is not on this page"}`;
    const came = data.steps[arrow.to].t_ns, word = arrow.path[0] === arrow.path.at(-1) ? "answered" : "arrived";
    return `sent at ${seconds(sent)} s, ${word} at ${seconds(came)} s, after ${((came - sent) / 1e6).toFixed(1)} ms`;
  }
  drawing.canvas.addEventListener("pointerover", tell);
  drawing.canvas.addEventListener("pointerleave", () => (pop.hidden = true));
  drawing.canvas.addEventListener("click", (event) => {
    const target = event.target.closest("[data-step], [data-arrow]");
    if (target) go(target.dataset.step ? Number(target.dataset.step) : (data.arrows[target.dataset.arrow].from ?? at), true);
    tell(event);
  });
  document.addEventListener("keydown", (event) => event.key === "Escape" && (pop.hidden = true));
  drawing.canvas.addEventListener("scroll", () => (pop.hidden = true));

  // The whole of the time on a line: when things happened, faults, and what the check names.
  function drawStrip() {
    strip.replaceChildren();
    const x = (ns) => ((ns - first) / Math.max(last - first, 1)) * 1000;
    const time = (step, or) => (step === null ? or : data.steps[step].t_ns);
    for (const span of data.spans) {
      if (span.kind === "operation") continue;
      const from = x(time(span.from, first)), to = x(time(span.to, last));
      const isJob = span.kind === "job";
      svg("rect", { x: from, width: Math.max(to - from, 2), y: isJob ? 14 : 0, height: isJob ? 4 : 20, class: span.kind }, strip);
    }
    data.steps.forEach((step) => svg("rect", { x: x(step.t_ns), width: 1.2, y: 4, height: 8, class: "tick" }, strip));
    for (const index of drawing.named()) svg("rect", { x: x(data.steps[index].t_ns) - 1.5, width: 4, y: 0, height: 20, class: "named" }, strip);
  }

  function redraw() {
    const violation = data.violations[radio("violation") ? radio("violation").value : 0];
    drawing.lookAt(violation);
    drawing.setMode(radio("mode").value);
    drawing.draw();
    drawStrip();
  }
  for (const input of document.querySelectorAll("input[name=mode]")) input.addEventListener("change", () => { redraw(); go(at); });
  for (const input of document.querySelectorAll("input[name=violation]")) {
    input.addEventListener("change", () => { redraw(); go(data.violations[input.value].steps.at(-1) ?? at); });
  }
  let width = drawing.canvas.clientWidth;
  // In the next frame: drawing within the observer would be one more resize for it.
  new ResizeObserver(() => requestAnimationFrame(() => {
    if (drawing.canvas.clientWidth === width) return;
    width = drawing.canvas.clientWidth;
    redraw();
    go(at, true);
  })).observe(drawing.canvas);

  const steps = document.querySelector("details.steps");
  steps.addEventListener("toggle", () => {
    const lines = data.steps.map((step, index) => {
      const mark = drawing.markOf(index);
      return `${seconds(step.t_ns).padStart(10)}  ${state.who(step)}${step.text}${mark ? "  <- " + mark : ""}`;
    });
    steps.querySelector("pre").textContent = lines.join("\n");
  }, { once: true });

  slider.min = first;
  slider.max = Math.max(last, first + 1);
  redraw();
  // It opens where the first check breaks: everything that led there stands above.
  const breaks = data.violations.length ? data.violations[0].steps.at(-1) : undefined;
  go(breaks ?? drawing.visible().at(-1) ?? 0, data.violations.length === 0);
})();
