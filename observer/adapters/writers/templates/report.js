// A small picture plays in front of the page; without this script its link opens the video by itself.
const dialog = document.querySelector("dialog");
const video = dialog.querySelector("video");
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.clip");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  video.poster = link.querySelector("img").src;
  video.src = link.href;
  dialog.querySelector("span").textContent = link.getAttribute("aria-label");
  dialog.showModal();
  video.play().catch(() => {});
});
dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
dialog.querySelector("button").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => { video.removeAttribute("src"); video.load(); });

// The games that can be watched: a button each, drawn when somebody looks; a press says how to see it.
const words = { w: "won", l: "lost", d: "draw", t: "timed out" };
const looks = { w: "won", l: "lost", d: "lost", t: "timed" };
const quoted = (path) => (/^[\w@%+=:,./-]+$/.test(path) ? path : "'" + path.replaceAll("'", "'\\''") + "'");
const length = (frames) => { const s = Math.round(frames / 60.0988); return Math.floor(s / 60) + ":" + String(s % 60).padStart(2, "0"); };
for (const gallery of document.querySelectorAll(".gallery")) {
  const data = JSON.parse(gallery.querySelector("script").textContent);
  const form = gallery.querySelector("form");
  const cells = gallery.querySelector(".cells");
  const told = gallery.querySelector(".told");
  const tell = (row, seed, outcome, frames) => {
    const code = document.createElement("code");
    code.textContent = "observer render " + quoted(gallery.dataset.output + "/" + row.folder + "/replays/" + seed + ".replay");
    const links = (row.clips[seed] || []).map(([reason, address]) => {
      const link = document.createElement("a");
      link.href = address;
      link.textContent = "\u25B6 " + reason;
      return link;
    });
    const head = "Seed " + seed + " at step " + row.step + ": " + words[outcome] + ", " + length(frames) + ". ";
    told.replaceChildren(head, ...links.flatMap((link) => [link, " "]), links.length ? "Any other clip of it: " : "To make the clip: ", code);
  };
  const draw = () => {
    const row = data.rows[form.row.value];
    const wanted = form.outcome.value;
    const games = data.seeds.map((seed, i) => ({ seed, outcome: row.outcomes[i], frames: row.frames[i], clips: row.clips[seed] }));
    const shown = games.filter((game) => (wanted === "c" ? game.clips : wanted.includes(game.outcome)));
    shown.sort((one, other) => !one.clips - !other.clips);
    cells.replaceChildren(...shown.map((game) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = looks[game.outcome];
      button.textContent = (game.clips ? "\u25B6 " : "") + game.seed;
      button.title = "seed " + game.seed + ": " + words[game.outcome] + ", " + length(game.frames);
      button.addEventListener("click", () => tell(row, game.seed, game.outcome, game.frames));
      return button;
    }));
    told.replaceChildren(shown.length ? "" : "None.");
  };
  data.rows.forEach((row, i) => form.row.add(new Option(row.step, i)));
  form.addEventListener("change", draw);
  form.addEventListener("submit", (event) => event.preventDefault());
  gallery.addEventListener("toggle", () => { if (gallery.open && form.hidden) { form.hidden = false; draw(); } });
}
