package dev.graft.eval.grade.people;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** What people grade on. */
public enum Scale {
  /** Five points. */
  LIKERT("likert", 1, List.of("useless, misleading or harmful", "mostly wrong or missing", "partly right, an important fact missing", "right, with a lesser flaw", "everything important, nothing untrue")),
  /** Right or wrong. */
  RIGHT_WRONG("right-wrong", 0, List.of("wrong", "right: says the same as the reference"));

  private final String id;
  private final int lowest;
  private final List<String> meanings;

  Scale(String id, int lowest, List<String> meanings) {
    this.id = id;
    this.lowest = lowest;
    this.meanings = meanings;
  }

  /** As flags and keys have it. */
  public String id() {
    return id;
  }

  /** The scale of a name. */
  public static Optional<Scale> of(String id) {
    return Stream.of(values()).filter(scale -> scale.id.equals(id)).findFirst();
  }

  int lowest() {
    return lowest;
  }

  int highest() {
    return lowest + meanings.size() - 1;
  }

  /** "1 to 5" or "0 or 1". */
  String range() {
    return lowest + (meanings.size() == 2 ? " or " : " to ") + highest();
  }

  /** "5 = everything important, nothing untrue", the highest first. */
  List<String> explained() {
    return Stream.iterate(highest(), grade -> grade >= lowest, grade -> grade - 1).map(grade -> grade + " = " + meanings.get(grade - lowest)).toList();
  }

  /** The grade that a cell holds ("4", "4.0", "4,0", " 4 "), or empty. */
  OptionalInt read(String cell) {
    String text = cell.strip().replaceFirst("^'", "").replaceFirst("[.,]0*$", "");
    if (!text.matches("[0-9]")) {
      return OptionalInt.empty();
    }
    int grade = Integer.parseInt(text);
    return grade >= lowest && grade <= highest() ? OptionalInt.of(grade) : OptionalInt.empty();
  }
}
