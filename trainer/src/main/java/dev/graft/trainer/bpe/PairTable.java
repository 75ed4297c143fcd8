package dev.graft.trainer.bpe;

import java.util.Arrays;

/** Pairs of symbols with their weights and places: a hash table of open addressing over dense slots. One thread. */
final class PairTable {
  private int[] index = new int[1 << 12]; // slot + 1, or 0
  private long[] keys = new long[1 << 11];
  private long[] weights = new long[1 << 11];
  private int[][] places = new int[1 << 11][];
  private int[] placeCounts = new int[1 << 11];
  private int size;

  static long key(int left, int right) {
    return (long) left << 32 | right;
  }

  /** Number of slots; they are numbered as their pairs were first seen. */
  int size() {
    return size;
  }

  long key(int slot) {
    return keys[slot];
  }

  long weight(int slot) {
    return weights[slot];
  }

  /** The slot of a pair, or -1. */
  int find(long key) {
    for (int at = hash(key, index.length); ; at = at + 1 & index.length - 1) {
      if (index[at] == 0) {
        return -1;
      } else if (keys[index[at] - 1] == key) {
        return index[at] - 1;
      }
    }
  }

  /** Adds weight to a pair, and a place where it stands. */
  void add(long key, long weight, int place) {
    int slot = find(key);
    if (slot < 0) {
      slot = insert(key);
    }
    weights[slot] += weight;
    if (placeCounts[slot] == places[slot].length) {
      places[slot] = Arrays.copyOf(places[slot], placeCounts[slot] * 2);
    }
    places[slot][placeCounts[slot]++] = place;
  }

  /** Takes weight from a pair; its place stays, and no longer holds. */
  void take(long key, long weight) {
    weights[find(key)] -= weight;
  }

  /** Places of a pair in ascending order, some of which no longer hold; forgotten here, with the pair's weight. */
  int[] remove(int slot) {
    int[] found = Arrays.copyOf(places[slot], placeCounts[slot]);
    places[slot] = new int[1];
    placeCounts[slot] = 0;
    weights[slot] = 0;
    return found;
  }

  private int insert(long key) {
    if (2 * (size + 1) > index.length) {
      grow();
    }
    if (size == keys.length) {
      keys = Arrays.copyOf(keys, 2 * size);
      weights = Arrays.copyOf(weights, 2 * size);
      places = Arrays.copyOf(places, 2 * size);
      placeCounts = Arrays.copyOf(placeCounts, 2 * size);
    }
    keys[size] = key;
    places[size] = new int[1];
    put(size);
    return size++;
  }

  private void grow() {
    index = new int[2 * index.length];
    for (int slot = 0; slot < size; slot++) {
      put(slot);
    }
  }

  private void put(int slot) {
    int at = hash(keys[slot], index.length);
    while (index[at] != 0) {
      at = at + 1 & index.length - 1;
    }
    index[at] = slot + 1;
  }

  private static int hash(long key, int length) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    return (int) (mixed >>> 32) & length - 1;
  }
}
