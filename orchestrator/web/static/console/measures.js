/* The measures as charts; without script the tables say the same. */

(function () {
  "use strict";
  const series = JSON.parse(document.getElementById("series")?.textContent ?? "null");
  const box = document.querySelector("[data-charts]");
  if (!series || !box || series.weeks.length < 2) return;
  box.hidden = false;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
  const short = (value) => (value < 10 && value % 1 ? value.toFixed(1) : String(Math.round(value)));
  const weeks = series.weeks;
  const charts = [];

  /* Weeks that have room for their name, the newest among them. */
  const named = (chart) => {
    const every = Math.ceil(weeks.length / Math.max(2, chart.width / 72));
    return weeks.filter((_, n) => (weeks.length - 1 - n) % every === 0);
  };

  for (const place of box.querySelectorAll("[data-chart]")) {
    const unit = place.dataset.unit;
    const values = series[place.dataset.chart];
    if (values.every((value) => value === null)) {
      place.textContent = "Nothing of this kind was measured in that time.";
      place.classList.add("none");
      continue;
    }
    const readout = place.parentElement.querySelector("[data-readout]");
    const newest = values.findLastIndex((value) => value !== null);
    const read = (at) => {
      const week = at === null || at === undefined || values[at] === null ? newest : at;
      readout.textContent = `${short(values[week])} ${unit} in the week of ${day.format(weeks[week] * 1000)}`;
    };
    const axis = { stroke: colour("--muted"), grid: { stroke: colour("--rule"), width: 1 }, ticks: { show: false } };
    const chart = new uPlot(
      {
        width: place.clientWidth,
        height: 200,
        cursor: { y: false, drag: { x: false, y: false } },
        legend: { show: false },
        hooks: { setCursor: [(drawn) => read(drawn.cursor.idx)] },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "UTC"),
        scales: { y: { range: (_, low, high) => (unit === "%" ? [0, 100] : [0, Math.max(1, high * 1.15)]) } },
        axes: [
          { ...axis, size: 28, splits: named, values: (_, ticks) => ticks.map((tick) => day.format(tick * 1000)) },
          { ...axis, size: 52, values: (_, ticks) => ticks.map((tick) => `${tick} ${unit}`) },
        ],
        series: [
          {},
          {
            stroke: colour("--accent"),
            width: 2,
            fill: colour("--accent-soft"),
            points: { show: true, size: 7, fill: colour("--surface") },
            spanGaps: true,
          },
        ],
      },
      [weeks, values],
      place,
    );
    read(null);
    charts.push([chart, place]);
  }
  addEventListener("resize", () => {
    for (const [chart, place] of charts) chart.setSize({ width: place.clientWidth, height: 200 });
  });
})();
