package dev.graft.eval.bench;

import dev.graft.eval.bench.ServeBench.Load;
import dev.graft.eval.bench.ServeBench.UnfinishedException;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code graft bench serve} measured: loads by name, the best of each, and java-llama.cpp's failure to finish if it didn't. One thread uses it. */
final class ServeComparison {
  /** Our engine with the one adapter that the peer has too. */
  static final String OURS = "native, one adapter";

  /** java-llama.cpp. */
  static final String PEER = "llama.cpp, one adapter";

  private final Map<String, Load> loads = new LinkedHashMap<>();
  private final int clients;
  private final int threads;
  private final int slots;
  private UnfinishedException unfinished;

  /** @param threads of either side  @param slots answers that llama.cpp writes at once */
  ServeComparison(int clients, int threads, int slots) {
    this.clients = clients;
    this.threads = threads;
    this.slots = slots;
  }

  /** Another run; the faster one stays. */
  void add(String name, Load load) {
    loads.merge(name, load, (a, b) -> a.tokensPerSecond() >= b.tokensPerSecond() ? a : b);
  }

  /** The peer took too long. */
  void unfinished(UnfinishedException what) {
    unfinished = what;
  }

  /** Null when everything finished. */
  UnfinishedException unfinished() {
    return unfinished;
  }

  Map<String, Load> loads() {
    return Collections.unmodifiableMap(loads);
  }

  int clients() {
    return clients;
  }

  int threads() {
    return threads;
  }

  int slots() {
    return slots;
  }

  /** Our tokens a second with one adapter by the peer's; null unless both sides finished every load. */
  Double ratio() {
    return unfinished != null || !loads.containsKey(OURS) || !loads.containsKey(PEER) ? null : loads.get(OURS).tokensPerSecond() / loads.get(PEER).tokensPerSecond();
  }
}
