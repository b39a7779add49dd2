// Shows the run of the setting that is chosen. Every text was written when the page was made; nothing is computed here.
function showWhatIf(root) {
  const data = JSON.parse(root.querySelector("script[type='application/json']").textContent);
  const controls = [...root.querySelectorAll("[data-axis]")];
  const places = [...root.querySelectorAll(".charts > div")];
  let views = [];
  function show() {
    const chosen = [];
    for (const control of controls) {
      const value = Number(control.value), label = data.labels[control.dataset.axis][value];
      chosen[control.dataset.axis] = value;
      const output = control.closest("label")?.querySelector("output"); // a single value has no label
      if (output) { output.textContent = label; control.setAttribute("aria-valuetext", label); }
    }
    const [region, ...setting] = chosen;
    const row = data.settings.findIndex((one) => one.every((value, axis) => value === setting[axis]));
    root.querySelectorAll("dd > span").forEach((card, number) => {
      const text = data.cards[number][row];
      card.textContent = Array.isArray(text) ? text[region] : text;
    });
    root.dataset.row = row;
    root.dataset.region = region;
    const beside = data.settings.map((one, place) => ({ one, place }))
      .filter(({ one }) => one[2] === setting[2] && one[3] === setting[3])
      .map(({ one, place }) => ({
        memory: data.memory[one[0]], architecture: data.labels[2][one[1]], chosen: place === row,
        usd: data.usd[place][region], cost: data.cards[data.money][place][region], p95: data.p95[place], wait: data.cards[data.wait][place],
      }));
    views.forEach((view) => view.data("shown", beside).runAsync());
    return beside;
  }
  root.addEventListener("input", show);
  root.querySelector("button").addEventListener("click", () => {
    controls.forEach((control) => { control.value = control.dataset.given; });
    show();
  });
  const first = show();
  Promise.all(data.charts.map((chart, number) =>
    vegaEmbed(places[number], { ...chart, data: { name: "shown", values: first } }, { renderer: "svg", actions: false }))).then((made) => {
    views = made.map((one) => one.view);
    show();
  });
}
document.querySelectorAll(".what-if").forEach(showWhatIf);
