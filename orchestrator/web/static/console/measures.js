/* The measures as charts; without script the tables say the same. */

(function () {
  "use strict";
  const series = JSON.parse(document.getElementById("series")?.textContent ?? "null");
  const box = document.querySelector("[data-charts]");
  if (!series || !box || series.weeks.length < 2) return;
  box.hidden = false;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const day = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", timeZone: "UTC" });
  const charts = [];

  for (const place of box.querySelectorAll("[data-chart]")) {
    const unit = place.dataset.unit;
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: place.clientWidth,
        height: 200,
        cursor: { y: false },
        legend: { live: true },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        scales: { y: { range: (_, low, high) => (unit === "%" ? [0, 100] : [0, Math.max(1, high * 1.15)]) } },
        axes: [
          { ...axis, space: 70, values: (_, ticks) => ticks.map((tick) => day.format(tick * 1000)) },
          { ...axis, size: 48, values: (_, ticks) => ticks.map((tick) => `${tick} ${unit}`) },
        ],
        series: [
          { label: "Week of", value: (_, seconds) => (seconds === null ? "" : day.format(seconds * 1000)) },
          {
            label: unit,
            stroke: colour("--accent"),
            width: 2,
            fill: colour("--accent-soft"),
            points: { show: true, size: 7, fill: colour("--surface") },
            spanGaps: true,
            value: (_, value) => (value === null ? "–" : `${value} ${unit}`),
          },
        ],
      },
      [series.weeks, series[place.dataset.chart]],
      place,
    );
    charts.push([chart, place]);
  }
  addEventListener("resize", () => {
    for (const [chart, place] of charts) chart.setSize({ width: place.clientWidth, height: 200 });
  });
})();
