// The page for reports of the public: sends them without any login, and shows what became of one.
const zh = document.documentElement.lang.startsWith("zh");
const byId = (id) => document.getElementById(id);
const place = {};

async function ask(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    credentials: "omit",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error((zh && told.detail_zh) || told.detail || told.title);
  return told;
}

function show(id, text) {
  byId(id).textContent = text;
  byId(id).hidden = !text;
}

function positionIs(coords) {
  place.lon = coords?.longitude;
  place.lat = coords?.latitude;
  byId("address").required = !coords;
  byId("place").textContent = coords
    ? `${byId("place").dataset.got} ${coords.latitude.toFixed(5)}, ${coords.longitude.toFixed(5)}`
    : byId("place").dataset.refused;
}

byId("here").addEventListener("click", () => {
  if (!navigator.geolocation) return positionIs(null);
  navigator.geolocation.getCurrentPosition(
    ({ coords }) => positionIs(coords),
    () => positionIs(null),
    { enableHighAccuracy: true, timeout: 10_000 },
  );
});

byId("report").addEventListener("submit", async (event) => {
  event.preventDefault();
  const sent = Object.fromEntries([...new FormData(event.target)].filter(([, value]) => value.trim()));
  show("failed", "");
  try {
    const { code } = await ask("/v1/reports", { ...sent, ...place });
    byId("code").textContent = code;
    byId("received").hidden = false;
    byId("asked").value = code;
    event.target.reset();
    delete place.lon;
    delete place.lat;
    byId("place").textContent = "";
    byId("address").required = true;
    byId("received").scrollIntoView({ block: "center" });
  } catch (error) {
    show("failed", error.message);
  }
});

byId("status").addEventListener("submit", async (event) => {
  event.preventDefault();
  show("unknown", "");
  byId("steps").replaceChildren();
  byId("body").hidden = true;
  try {
    const found = await ask("/v1/reports/status", { code: byId("asked").value });
    for (const step of found.steps) {
      const line = document.createElement("li");
      const at = document.createElement("time");
      at.dateTime = step.at;
      at.textContent = new Date(step.at).toLocaleString(document.documentElement.lang, {
        timeZone: document.querySelector("main").dataset.zone,
        dateStyle: "medium",
        timeStyle: "short",
      });
      line.append(at, zh ? step.step_zh : step.step_en);
      byId("steps").append(line);
    }
    byId("body").hidden = !found.body;
    byId("body").querySelector("span").textContent = found.body || "";
  } catch (error) {
    show("unknown", error.message);
  }
});
