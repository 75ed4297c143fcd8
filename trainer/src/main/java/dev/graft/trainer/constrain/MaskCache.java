package dev.graft.trainer.constrain;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/** The values used last, up to a number of bytes. One thread at a time. */
final class MaskCache<K, V> {
  private record Held<V>(V value, long bytes) {}

  private final Map<K, Held<V>> held = new LinkedHashMap<>(16, 0.75f, true);
  private final long most;
  private long bytes;

  MaskCache(long most) {
    this.most = most;
  }

  /** The value, or null. */
  V get(K key) {
    Held<V> value = held.get(key);
    return value == null ? null : value.value();
  }

  void put(K key, V value, long size) {
    held.put(key, new Held<>(value, size));
    bytes += size;
    Iterator<Held<V>> oldest = held.values().iterator();
    while (bytes > most && held.size() > 1) {
      bytes -= oldest.next().bytes();
      oldest.remove();
    }
  }

  void clear() {
    held.clear();
    bytes = 0;
  }
}
