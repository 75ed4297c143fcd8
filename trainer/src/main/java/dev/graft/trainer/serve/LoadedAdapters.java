package dev.graft.trainer.serve;

import dev.graft.bindings.Adapter;
import dev.graft.bindings.Generator;
import dev.graft.bindings.Model;
import dev.graft.bindings.UsageException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The adapters of an engine by name, and who uses them: one that is removed goes when nobody does. Any thread. */
final class LoadedAdapters {
  private final Model model;
  private final Generator generator;
  private final Map<String, Loaded> byName = new LinkedHashMap<>();

  LoadedAdapters(Model model, Generator generator) {
    this.model = model;
    this.generator = generator;
  }

  private static final class Loaded {
    private final int index;
    private int uses;
    private boolean removed;

    Loaded(int index) {
      this.index = index;
    }
  }

  /** What a request uses, until {@link #release}. */
  static final class Chosen {
    private final List<Loaded> loaded = new ArrayList<>();
    private final float[] scales;

    private Chosen(List<AdapterUse> uses) {
      scales = new float[uses.size()];
      for (int i = 0; i < scales.length; i++) {
        scales[i] = uses.get(i).scale();
      }
    }

    int[] indices() {
      return loaded.stream().mapToInt(adapter -> adapter.index).toArray();
    }

    float[] scales() {
      return scales;
    }
  }

  synchronized List<String> names() {
    return List.copyOf(byName.keySet());
  }

  /** @throws UsageException when a name is unknown or given twice, or a scale is no number */
  synchronized Chosen choose(List<AdapterUse> uses) {
    Chosen chosen = new Chosen(uses);
    for (AdapterUse use : uses) {
      Loaded loaded = byName.get(use.name());
      if (loaded == null) {
        throw new UsageException("there is no adapter " + use.name() + "; there " + byName.keySet().stream().collect(Collectors.joining(", ", "are: ", "")));
      }
      if (!Float.isFinite(use.scale())) {
        throw new UsageException("the scale of adapter " + use.name() + " must be a number, not " + use.scale());
      }
      if (chosen.loaded.contains(loaded)) {
        throw new UsageException("adapter " + use.name() + " is named twice");
      }
      chosen.loaded.add(loaded);
    }
    chosen.loaded.forEach(loaded -> loaded.uses++);
    return chosen;
  }

  synchronized void release(Chosen chosen) {
    for (Loaded loaded : chosen.loaded) {
      loaded.uses--;
      dropUnused(loaded);
    }
  }

  void add(String name, Path file) {
    synchronized (this) {
      if (byName.containsKey(name)) {
        throw new UsageException("there is an adapter " + name + " already; drop it first or give another name");
      }
    }
    try (Adapter adapter = Adapter.open(model, file)) { // the generator keeps its memory
      Loaded loaded = new Loaded(generator.addAdapter(adapter));
      synchronized (this) {
        byName.put(name, loaded);
      }
    }
  }

  synchronized boolean remove(String name) {
    Loaded loaded = byName.remove(name);
    if (loaded == null) {
      return false;
    }
    loaded.removed = true;
    dropUnused(loaded);
    return true;
  }

  private void dropUnused(Loaded loaded) {
    if (loaded.removed && loaded.uses == 0) {
      generator.removeAdapter(loaded.index);
    }
  }
}
