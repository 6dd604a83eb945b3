# The edge in workerd:  REELAY_GATEWAYS="http://10.0.0.11:4100 http://10.0.0.12:4100" REELAY_SECRET="$(cat secret)" workerd serve workerd.capnp
# Put worker.js (node deploy/edge/worker/build.mjs worker.js) beside this file.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    # The gateways may be in a private network.
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = (trustBrowserCas = true))),
  ],
  sockets = [(name = "http", address = "*:8080", http = (), service = "edge")],
);

const edge :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2025-09-01",
  bindings = [
    (name = "REELAY_GATEWAYS", fromEnvironment = "REELAY_GATEWAYS"),
    (name = "REELAY_SECRET", fromEnvironment = "REELAY_SECRET"),
    # There is no cache behind the Cache API here: memory of the isolate is used. With a service that keeps what PUT brings
    # (cacheApiOutbound), leave this out.
    (name = "REELAY_CACHE_API", text = "off"),
  ],
);
