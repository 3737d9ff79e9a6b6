// Makes a square picture of at most 20,480 bytes of any picture, in the browser; nothing else is sent.
import * as api from "./api.js";
import * as store from "./store.js";
import { h, s, put } from "./dom.js";
import { bytes, t } from "./i18n.js";
import { dialog, reason, toast } from "./dialog.js";

const MOST = 20_480;
const SIDE = 288;
const CLOSEST = 8;
const SIZES = [256, 224, 192, 160, 128, 96, 64];
/** All but the form that pictures are shown in. */
const MASK = "M0 0h100v100H0ZM32 0A32 32 0 0 0 0 32v36a32 32 0 0 0 32 32h36a32 32 0 0 0 32-32V32A32 32 0 0 0 68 0Z";
const QUALITIES = [0.92, 0.85, 0.78, 0.7, 0.6, 0.5];

const blob = (canvas, type, quality) => new Promise((done) => canvas.toBlob(done, type, quality));

function square(bitmap, view, size, ground) {
  const canvas = h("canvas", { width: size, height: size });
  const pen = canvas.getContext("2d");
  pen.imageSmoothingQuality = "high";
  if (ground) { pen.fillStyle = ground; pen.fillRect(0, 0, size, size); }
  const by = size / view.span;
  pen.drawImage(bitmap, -view.x * by, -view.y * by, bitmap.width * by, bitmap.height * by);
  return canvas;
}

function isClear(canvas) {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 3; at < data.length; at += 4) if (data[at] < 250) return true;
  return false;
}

/** The best of the forms that are small enough. */
async function reduce(bitmap, view) {
  const most = Math.max(64, Math.min(256, Math.round(view.span)));
  const sizes = [most, ...SIZES.filter((size) => size < most)];
  const clear = isClear(square(bitmap, view, 64));
  for (const size of clear ? sizes : sizes.slice(0, 1)) {
    const made = await blob(square(bitmap, view, size), "image/png");
    if (made && made.size <= MOST && made.type === "image/png") return made;
  }
  for (const size of sizes) {
    const canvas = square(bitmap, view, size, "#fff");
    for (const quality of QUALITIES) {
      const made = await blob(canvas, "image/jpeg", quality);
      if (made && made.size <= MOST) return made;
    }
  }
  throw new Error("nothing is small enough");
}

/** Lets the user choose a square of a picture, and makes it the avatar. */
export async function crop(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    toast(t("avatar.unreadable"), { kind: "bad" });
    return;
  }
  const whole = Math.min(bitmap.width, bitmap.height);
  const view = { span: whole, x: (bitmap.width - whole) / 2, y: (bitmap.height - whole) / 2 };
  const dense = Math.min(2, devicePixelRatio || 1);
  const canvas = h("canvas.crop-canvas", { width: SIDE * dense, height: SIDE * dense });
  const pen = canvas.getContext("2d");
  const stage = h("div.crop-stage", { tabindex: 0, role: "group", "aria-label": t("avatar.stage"), "aria-describedby": "crop-hint" }, canvas,
    s("svg", { class: "crop-mask", viewBox: "0 0 100 100", "aria-hidden": "true" }, s("path", { d: MASK, "fill-rule": "evenodd" })));
  const zoom = h("input", { type: "range", class: "crop-zoom", id: "crop-zoom", min: 0, max: 100, step: 1, value: "0" });
  const told = h("p.dim.small-text", { role: "status" }, " ");
  const nearest = () => Math.min(CLOSEST, Math.max(1, whole / 48));
  let counted = 0;

  function draw() {
    view.x = Math.min(bitmap.width - view.span, Math.max(0, view.x));
    view.y = Math.min(bitmap.height - view.span, Math.max(0, view.y));
    pen.imageSmoothingQuality = "high";
    pen.clearRect(0, 0, canvas.width, canvas.height);
    const by = canvas.width / view.span;
    pen.drawImage(bitmap, -view.x * by, -view.y * by, bitmap.width * by, bitmap.height * by);
    clearTimeout(counted);
    counted = setTimeout(async () => {
      const made = await reduce(bitmap, view).catch(() => null);
      if (made) put(told, t("avatar.size", { size: bytes(made.size) }));
    }, 400);
  }

  /** `x` and `y` from 0 to 1 stay where they are. */
  function scale(by, x = 0.5, y = 0.5) {
    const span = Math.min(whole, Math.max(whole / nearest(), view.span / by));
    view.x += (view.span - span) * x;
    view.y += (view.span - span) * y;
    view.span = span;
    zoom.value = String(Math.round(nearest() > 1 ? (Math.log(whole / span) / Math.log(nearest())) * 100 : 0));
    draw();
  }

  zoom.addEventListener("input", () => scale(view.span / (whole / nearest() ** (zoom.value / 100))));
  const touches = new Map();
  const place = (event) => {
    const box = stage.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  };
  stage.addEventListener("pointerdown", (event) => { stage.setPointerCapture(event.pointerId); touches.set(event.pointerId, place(event)); });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => touches.delete(event.pointerId));
  stage.addEventListener("pointermove", (event) => {
    const before = touches.get(event.pointerId);
    if (!before) return;
    const now = place(event);
    const other = [...touches].find(([pointer]) => pointer !== event.pointerId)?.[1];
    touches.set(event.pointerId, now);
    if (other) {
      const far = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]) || 0.01;
      scale(far(now) / far(before), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    } else {
      view.x -= (now[0] - before[0]) * view.span;
      view.y -= (now[1] - before[1]) * view.span;
      draw();
    }
  });
  stage.addEventListener("wheel", (event) => { event.preventDefault(); scale(Math.exp(-event.deltaY / 400), ...place(event)); }, { passive: false });
  stage.addEventListener("keydown", (event) => {
    const step = view.span * (event.shiftKey ? 0.15 : 0.03);
    const move = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (move) { view.x += move[0]; view.y += move[1]; draw(); }
    else if (event.key === "+" || event.key === "=") scale(1.1);
    else if (event.key === "-") scale(1 / 1.1);
    else return;
    event.preventDefault();
  });

  const shown = dialog({
    title: t("avatar.title"),
    body: [h("div.crop", stage,
      h("div.field", h("label", { htmlFor: "crop-zoom" }, t("avatar.zoom")), zoom),
      h("p.dim.small-text", { id: "crop-hint" }, t("avatar.how")), told)],
    actions: [{ label: t("dialog.cancel") }, {
      label: t("avatar.use"), kind: "main", value: true,
      run: async () => {
        try {
          store.learnProfile(await api.put("/api/avatar", await reduce(bitmap, view)));
          toast(t("avatar.done"), { kind: "good" });
          return true;
        } catch (error) {
          put(told, h("span.error-text", reason(error)));
          return false;
        }
      },
    }],
  });
  draw();
  stage.focus();
  await shown.closed;
  clearTimeout(counted);
  bitmap.close();
}
