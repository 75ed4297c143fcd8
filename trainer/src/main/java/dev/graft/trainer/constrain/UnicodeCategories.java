package dev.graft.trainer.constrain;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Characters by general category, as the JDK knows them. */
final class UnicodeCategories {
  /** The two letters of each value of {@link Character#getType}; 17 is none. */
  private static final String NAMES = "CnLuLlLtLmLoMnMeMcNdNlNoZsZlZpCcCf--CoCsPdPsPePcPoSmScSkSoPiPf";

  private static final Map<String, CharSet> SETS = new ConcurrentHashMap<>();

  private UnicodeCategories() {}

  /** @param name one letter or two, as in {@code L}, {@code Lu}, {@code Nd} */
  static Optional<CharSet> of(String name) {
    int types = 0;
    for (int i = 0; i < NAMES.length(); i += 2) {
      if (NAMES.substring(i, i + 2).equals(name) || NAMES.substring(i, i + 1).equals(name)) {
        types |= 1 << i / 2;
      }
    }
    if (types == 0 || name.isEmpty() || name.equals("-") || name.equals("--")) {
      return Optional.empty();
    }
    int these = types;
    return Optional.of(SETS.computeIfAbsent(name, key -> CharSet.matching(c -> (these >> Character.getType(c) & 1) != 0)));
  }
}
