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
