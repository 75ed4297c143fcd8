package dev.graft.eval.judge;

import dev.graft.trainer.generate.Prompt;
import java.util.List;

/** The order of answers: which row and system each is of. Immutable. */
final class Places {
  private final int rows;
  private final List<EvalSystem> systems;
  private final boolean sideBySide;
  private final int base;

  /** @param sideBySide whether all systems answer a row before the next one is asked */
  Places(int rows, List<EvalSystem> systems, boolean sideBySide) {
    this.rows = rows;
    this.systems = systems;
    this.sideBySide = sideBySide;
    this.base = systems.get(0).adapter() == null ? 1 : 0;
  }

  int count() {
    return Math.multiplyExact(rows, systems.size());
  }

  int row(int place) {
    return sideBySide ? place / systems.size() : place % rows;
  }

  private int systemIndex(int place) {
    return sideBySide ? place % systems.size() : place / rows;
  }

  /** Name of the system. */
  String system(int place) {
    return systems.get(systemIndex(place)).name();
  }

  /** Of the system's adapter among all adapters. */
  int adapter(int place) {
    return systemIndex(place) < base ? Prompt.BASE : systemIndex(place) - base;
  }

  /** What random numbers follow from: the base's answers have those of the row, whatever adapters there are. */
  int index(int place) {
    return Math.addExact(Math.multiplyExact(adapter(place) + 1, rows), row(place));
  }

  int placeOf(int index) {
    int row = index % rows;
    int system = index / rows - 1 + base;
    return sideBySide ? row * systems.size() + system : system * rows + row;
  }
}
