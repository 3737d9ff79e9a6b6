// Runs before the first paint, so that nothing flashes in the wrong theme or direction.
(() => {
  const root = document.documentElement;
  try {
    const theme = localStorage.getItem("peer.theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
    const language = localStorage.getItem("peer.language");
    if (language === "ar") { root.lang = "ar"; root.dir = "rtl"; }
  } catch { /* storage may be closed to us; the page works without */ }
})();
