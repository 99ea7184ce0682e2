// The chart of a history page: it takes the place of the picture that the server has drawn, which
// stays where this script or its data do not arrive. Zoom by drag or buttons, values under the
// pointer or the slider, a scale of its own for each of two measures.

const figure = document.querySelector("figure[data-chart]");
const language = document.documentElement.lang;
const locale =
  navigator.languages.find((tag) => tag.toLowerCase().split("-")[0] === language) ?? language;
const words = figure?.dataset;
const DAY = 86400;

if (figure && window.uPlot) {
  fetch(words.chart, { headers: { Accept: "application/json" } })
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer.status)))
    .then((content) => new Chart(content))
    .catch(() => {}); // the picture stays
}

/** One chart with its controls. `content` is described in chart_columns.py. */
class Chart {
  constructor(content) {
    this.content = content;
    this.lines = columnsOf(content);
    this.times = content.columns[0];
    this.day = dateFormat(content.zone, { dateStyle: "medium", timeStyle: "short" });
    this.build();
    this.draw();
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.fit()).observe(this.place);
  }

  build() {
    this.place = element("div", { className: "plot" });
    this.slider = element("input", {
      type: "range", id: "reading", min: 0, max: this.times.length - 1, step: 1,
    });
    this.slider.value = this.slider.max;
    this.slider.addEventListener("input", () => this.pointAt(Number(this.slider.value)));
    const label = element("label", { htmlFor: "reading", textContent: words.read });
    this.output = element("output", { htmlFor: "reading" });
    const controls = element("div", { className: "controls" });
    controls.append(
      button(words.zoomIn, () => this.zoom(0.5)),
      button(words.zoomOut, () => this.zoom(2)),
      button(words.whole, () => this.show(this.content.start, this.content.end)),
    );
    const hint = element("p", { className: "soft", textContent: words.keys });
    const reading = element("div", { className: "reading" });
    reading.append(label, this.slider, this.output);
    // The picture stays for those who hear the page: its description says what is seen.
    const drawn = figure.querySelector(".drawn");
    this.place.setAttribute("aria-hidden", "true");
    drawn.classList.add("heard-only");
    drawn.after(this.place, controls, reading, hint);
  }

  draw() {
    const from = performance.now();
    this.colours = readColours();
    const before = this.plot && { ...this.plot.scales.x };
    this.plot?.destroy();
    this.plot = new uPlot(this.options(), this.content.columns, this.place);
    if (before) this.show(before.min, before.max);
    this.pointAt(Number(this.slider.value), false);
    performance.measure("history-chart", { start: from, end: performance.now() });
  }

  size() {
    const width = Math.max(this.place.clientWidth, 240);
    return { width, height: Math.round(Math.min(Math.max(width * 0.5, 260), 400)) };
  }

  fit() {
    const { width, height } = this.size();
    if (width !== this.plot.width) this.plot.setSize({ width, height });
  }

  options() {
    const { start, end, zone } = this.content;
    const scales = { x: { time: true, min: start, max: end, range: (_, min, max) => [min, max] } };
    for (const line of this.lines) scales[line.scale] = { range: (_, low, high) => span(line, low, high) };
    return {
      ...this.size(),
      scales,
      series: [{}, ...this.lines.flatMap((line) => this.series(line))],
      axes: [this.dateAxis(zone), ...this.lines.map((line) => this.numberAxis(line))],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: true }, y: false },
      hooks: {
        draw: [(plot) => this.lines.forEach((line) => this.drawGoal(plot, line))],
        setCursor: [(plot) => this.read(plot.cursor.idx)],
      },
    };
  }

  series(line) {
    const colour = this.colours.lines[line.number];
    const points = {
      scale: line.scale,
      paths: () => null,
      points: { show: true, size: 4, width: 0, fill: line.trend ? faint(colour) : colour },
    };
    const dash = line.number ? [14, 4] : undefined; // told apart without colours as well
    const trend = { scale: line.scale, stroke: colour, width: 2, dash, spanGaps: true, points: { show: false } };
    return line.trend ? [points, trend] : [points];
  }

  dateAxis(zone) {
    const { text, grid } = this.colours;
    return {
      stroke: text,
      grid: { stroke: grid, width: 1 },
      ticks: { show: false },
      space: 55,
      // uPlot takes 30 days for a month and 365 for a year.
      incrs: [0.25, 0.5, 1, 2, 7, 14, 30, 60, 90, 180, 365, 730, 1825, 3650].map((days) => days * DAY),
      values: (plot, splits, _, __, step) => {
        const { min, max } = plot.scales.x;
        const format = dateFormat(zone, grainOf(step, max - min));
        return splits.map((at) => format.format(at * 1000));
      },
    };
  }

  numberAxis(line) {
    const colour = this.colours.lines[line.number];
    return {
      scale: line.scale,
      side: line.number ? 1 : 3,
      label: line.title,
      labelSize: 22,
      stroke: colour,
      size: line.many ? 84 : 58,
      grid: { show: !line.number, stroke: this.colours.grid, width: 1 },
      ticks: { show: false },
      incrs: line.many ? partsOf(line.many) : undefined,
      values: (_, splits, __, ___, step) => splits.map((value) => mark(line, value, step)),
    };
  }

  drawGoal(plot, line) {
    const { min, max } = plot.scales[line.scale];
    if (line.goal === null || line.goal < min || line.goal > max) return;
    const { left, width } = plot.bbox;
    const y = plot.valToPos(line.goal, line.scale, true);
    const pixel = devicePixelRatio || 1;
    plot.ctx.save();
    plot.ctx.strokeStyle = plot.ctx.fillStyle = this.colours.lines[line.number];
    plot.ctx.lineWidth = 1.5 * pixel;
    plot.ctx.setLineDash([3 * pixel, 4 * pixel]);
    plot.ctx.beginPath();
    plot.ctx.moveTo(left, y);
    plot.ctx.lineTo(left + width, y);
    plot.ctx.stroke();
    plot.ctx.font = `${12 * pixel}px system-ui, sans-serif`;
    plot.ctx.textAlign = "right";
    plot.ctx.fillText(line.goal_name, left + width - 4 * pixel, y - 5 * pixel);
    plot.ctx.restore();
  }

  /** Let the pointer stand at a reading, and bring it into view. */
  pointAt(index, moves = true) {
    const at = this.times[index];
    const { min, max } = this.plot.scales.x;
    if (moves && (at < min || at > max)) {
      const half = (max - min) / 2;
      this.show(at - half, at + half);
    }
    this.plot.setCursor({ left: this.plot.valToPos(at, "x"), top: 1 }, false);
    this.read(index);
  }

  /** Say what was measured, above the chart's controls. */
  read(index) {
    if (index === null || index === undefined) return;
    const told = this.lines.flatMap((line) => {
      const value = line.values[index];
      if (value === null || value === undefined) return [];
      const trend = line.trend ? ` (${words.smoothed}: ${amount(line, line.trend[index])})` : "";
      return [`${line.name} ${amount(line, value)}${trend}`];
    });
    if (!told.length) return;
    const text = `${this.day.format(this.times[index] * 1000)}: ${told.join(", ")}`;
    this.output.textContent = text;
    this.slider.setAttribute("aria-valuetext", text);
    if (document.activeElement !== this.slider) this.slider.value = index;
  }

  zoom(factor) {
    const { min, max } = this.plot.scales.x;
    const middle = this.times[Number(this.slider.value)];
    const centre = middle >= min && middle <= max ? middle : (min + max) / 2;
    const half = Math.max(((max - min) / 2) * factor, DAY / 2);
    this.show(centre - half, centre + half);
  }

  /** Show a span of time, moved so that it lies within what was asked for. */
  show(from, to) {
    const { start, end } = this.content;
    const length = Math.min(to - from, end - start);
    const min = Math.min(Math.max(from, start), end - length);
    this.plot.setScale("x", { min, max: min + length });
  }
}

/** The lines with their own columns: values, then the trend if there is one. */
function columnsOf({ lines, columns }) {
  let next = 1;
  return lines.map((line, number) => {
    const own = { ...line, number, scale: `scale${number}`, values: columns[next++], trend: null };
    if (line.trend) own.trend = columns[next++];
    return own;
  });
}

/** The span of a scale: some air, and the goal if it is not too far away. */
function span(line, low, high) {
  if (low === null || high === null) return [0, 1];
  const reach = Math.max(3 * (high - low), 0.1 * Math.abs(high));
  if (line.goal !== null && line.goal >= low - reach && line.goal <= high + reach) {
    low = Math.min(low, line.goal);
    high = Math.max(high, line.goal);
  }
  const air = (high - low) * 0.06 || Math.abs(high) * 0.01 || 1;
  return [low - air, high + air];
}

/** A value with its unit: 72.4 kg, or 11 st 5.2 lb. Rounded before it is split. */
function amount(line, value) {
  const shown = Number(value.toFixed(line.digits));
  if (!line.many) return line.sign ? `${number(shown, line.digits)} ${line.sign}` : number(shown, line.digits);
  return inParts(line, shown, line.digits);
}

function inParts(line, value, digits) {
  const big = Math.trunc(Math.abs(value) / line.many);
  const small = `${number(Math.abs(value) - big * line.many, digits)} ${line.small}`;
  const sign = value < 0 ? "−" : "";
  return big ? `${sign}${number(big, 0)} ${line.sign} ${small}` : `${sign}${small}`;
}

/** A number beside an axis. */
function mark(line, value, step) {
  const digits = digitsOf(step || 1);
  return line.many ? inParts(line, value, digits) : number(value, digits);
}

/** As many decimals as a step has: 2 for 0.25, else two marks would be rounded unevenly. */
function digitsOf(step) {
  let digits = 0;
  while (digits < 6 && Math.abs(step - Number(step.toFixed(digits))) > step / 1000) digits += 1;
  return digits;
}

/** Steps of an axis in small units: halves and whole ones of the big unit. */
function partsOf(many) {
  const small = [0.1, 0.2, 0.5, 1, 2];
  return [...small, many / 2, ...[1, 2, 5, 10, 20, 50, 100].map((size) => size * many)];
}

const numbers = new Map();

function number(value, digits) {
  if (!numbers.has(digits)) {
    const exactly = { minimumFractionDigits: digits, maximumFractionDigits: digits };
    numbers.set(digits, new Intl.NumberFormat(locale, exactly));
  }
  return numbers.get(digits).format(value);
}

/** What a mark must say, so that it is told apart from the others and is short. */
function grainOf(step, span) {
  if (step >= 360 * DAY) return { year: "numeric" };
  if (step >= 30 * DAY) return span < 330 * DAY ? { month: "short" } : { month: "short", year: "2-digit" };
  if (step < DAY) return { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" };
  return { day: "numeric", month: "short" };
}

/** A zone that this browser does not know is told in UTC. */
function dateFormat(zone, options) {
  try {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: zone });
  } catch {
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
  }
}

function readColours() {
  const style = getComputedStyle(figure);
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    lines: [colour("--line-one"), colour("--line-two")],
    text: colour("--soft"),
    grid: colour("--line"),
  };
}

/** The points lie behind the line, so they are paler. `colour` is #rrggbb. */
function faint(colour) {
  return `${colour}73`;
}

function element(name, properties) {
  const { htmlFor, ...own } = properties;
  const made = Object.assign(document.createElement(name), own);
  if (htmlFor) made.setAttribute("for", htmlFor);
  return made;
}

function button(text, act) {
  const made = element("button", { type: "button", className: "quiet", textContent: text });
  made.addEventListener("click", act);
  return made;
}
