// Repeats a chart's hover title below it and shows where the pointer is; without this script the titles still work.
for (const chart of document.querySelectorAll("figure.chart")) {
  const readout = chart.querySelector(".readout");
  const cursor = chart.querySelector(".cursor");
  const show = (event) => {
    const title = event.target.querySelector && event.target.querySelector("title");
    if (!title || !event.target.classList.contains("hit")) return;
    readout.textContent = title.textContent;
    const middle = Number(event.target.getAttribute("x")) + Number(event.target.getAttribute("width")) / 2;
    cursor.setAttribute("x1", middle);
    cursor.setAttribute("x2", middle);
    cursor.style.opacity = 1;
  };
  chart.addEventListener("pointerover", show);
  chart.addEventListener("click", show);
}
