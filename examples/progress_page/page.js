// Follows one order. The browser comes back by itself when it loses us, and says which event it has seen last.
const state = document.querySelector("#state");
const bar = document.querySelector("progress");
const log = document.querySelector("#log");

function follow(id) {
  const source = new EventSource(`orders/${encodeURIComponent(id)}/events`);
  const on = (kind, act) => source.addEventListener(kind, (event) => act(JSON.parse(event.data)));
  on("enqueued", () => (state.textContent = "The order is in the queue."));
  on("claimed", () => (state.textContent = "Somebody has begun."));
  on("progress", ({ done, total, message }) => {
    bar.value = done / total;
    state.textContent = `${done} of ${total}: ${message}`;
  });
  on("log", ({ message }) => {
    const line = document.createElement("li");
    line.textContent = message; // text, whatever is in it
    log.append(line);
  });
  on("attempt", ({ type, message }) => (state.textContent = `That went wrong (${type}: ${message}). Trying again.`));
  on("finished", (how) => {
    state.textContent = how === "succeeded" ? "Your order is ready." : `The order has ${how}.`;
    source.close();
  });
}

document.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const thing = new FormData(event.target).get("thing");
  const answer = await fetch("orders", { method: "POST", body: JSON.stringify({ thing }) });
  const { id } = await answer.json();
  history.replaceState(null, "", `?order=${encodeURIComponent(id)}`); // a reload goes on with the same order
  log.replaceChildren();
  follow(id);
});

const known = new URLSearchParams(location.search).get("order");
if (known) follow(known);
