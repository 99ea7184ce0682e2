// The overview follows the server: it hears whose card changed, asks for that card, and puts it in
// the place of the old one. Without this script the page shows how it was when it was made.

const cards = document.querySelector("[data-events]");
const freshness = document.getElementById("freshness");
const news = document.getElementById("news");

const AGAIN = 60_000; // milliseconds after which a server that refused to be heard is tried again
const STALE = 3_600_000; // milliseconds after which "today" may be yesterday

let source = null;
let timer = 0;
let mark = new URL(cards.dataset.events, location.href).searchParams.get("after");
let madeAt = Date.now();
const turns = new Map(); // card → how often it was asked for

function follow() {
  stop();
  const address = new URL(cards.dataset.events, location.href);
  address.searchParams.set("after", mark);
  source = new EventSource(address);
  source.addEventListener("open", () => say("live"));
  source.addEventListener("card", (event) => {
    mark = event.lastEventId;
    const changed = JSON.parse(event.data);
    for (const card of cards.children) if (card.dataset.person === changed) renew(card);
  });
  source.addEventListener("error", () => {
    say("lost");
    // Otherwise the browser tries again by itself.
    if (source.readyState === EventSource.CLOSED) timer = setTimeout(follow, AGAIN);
  });
}

function stop() {
  clearTimeout(timer);
  source?.close();
}

function say(key) {
  freshness.textContent = freshness.dataset[key];
}

async function renew(card) {
  const turn = (turns.get(card) ?? 0) + 1;
  turns.set(card, turn);
  try {
    const answer = await fetch(card.dataset.card, { redirect: "error" });
    if (!answer.ok) throw new Error(answer.status);
    const text = await answer.text();
    if (turns.get(card) === turn) replace(card, text);
  } catch {
    say("lost");
  }
}

function replace(card, text) {
  const before = measured(card);
  const focused = card.contains(document.activeElement) ? document.activeElement : null;
  const made = new DOMParser().parseFromString(text, "text/html");
  card.replaceChildren(...made.body.childNodes);
  if (focused) focusLike(card, focused);
  // A moment later the browser's own numbers and times stand in it.
  if (measured(card) !== before) setTimeout(() => announce(card), 100);
}

/** What was measured, for comparison: not everything that changes is worth a word. */
function measured(card) {
  const parts = card.querySelectorAll(".measured data, .measured time");
  return Array.from(parts, (part) => part.value ?? part.dateTime).join(" ");
}

/** Whoever came here by the keyboard stays where he was. */
function focusLike(card, focused) {
  const links = Array.from(card.querySelectorAll("a"));
  (links.find((link) => link.href === focused.href) ?? card).focus({ preventScroll: true });
}

function announce(card) {
  const told = card.querySelector(".measured")?.textContent ?? "";
  news.textContent = `${card.dataset.person}: ${told.replace(/\s+/g, " ").trim()}`;
}

// A page that nobody sees holds no connection: a browser has only a few for each server.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) {
    stop();
    return;
  }
  if (Date.now() - madeAt > STALE) {
    madeAt = Date.now();
    for (const card of cards.children) renew(card);
  }
  follow();
});

if (!document.hidden) follow();
