// Times and numbers as this browser writes them, times in its own zone. Without this script a page
// shows what the server wrote. Parts that are added later are written anew as well.

const language = document.documentElement.lang;

/** The browser's own kind of the language of the page: en-GB on an English page. */
function ownLocale() {
  const ours = (tag) => tag.toLowerCase().split("-")[0] === language;
  return navigator.languages.find(ours) ?? language;
}

const locale = ownLocale();

const formats = {
  moment: new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }),
  day: new Intl.DateTimeFormat(locale, { dateStyle: "long" }),
  time: new Intl.DateTimeFormat(locale, { timeStyle: "short" }),
};

function writeTime(element) {
  const instant = new Date(element.dateTime);
  const format = formats[element.dataset.when] ?? formats.moment;
  if (!Number.isNaN(instant.valueOf())) write(element, format.format(instant));
}

function writeNumber(element) {
  const digits = Number(element.dataset.number);
  const format = new Intl.NumberFormat(locale, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: "signed" in element.dataset ? "exceptZero" : "auto",
  });
  if (element.value !== "") write(element, format.format(Number(element.value)));
}

/** Only what differs is touched: otherwise a screen reader would say it again. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function writeAll(root) {
  root.querySelectorAll("time[data-when]").forEach(writeTime);
  root.querySelectorAll("data[data-number]").forEach(writeNumber);
}

writeAll(document);

new MutationObserver((changes) => {
  for (const { target } of changes) if (target.isConnected) writeAll(target.parentElement ?? target);
}).observe(document.body, { childList: true, subtree: true });
