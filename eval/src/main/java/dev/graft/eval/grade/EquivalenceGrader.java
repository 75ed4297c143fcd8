package dev.graft.eval.grade;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.eval.judge.Grader;
import dev.graft.eval.judge.TestRow;
import dev.graft.eval.judge.Verdict;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Right is an open answer that says the same as the row's, or one of its aliases, as {@link Equivalence} reads it. Letters of the row's
 * {@code options} are read where its prompt shows the options; an open question has none to choose from.
 */
public final class EquivalenceGrader implements Grader {
  private final String aliases;

  /** Reads the field {@code aliases}. */
  public EquivalenceGrader() {
    this("aliases");
  }

  /** @param aliases the row's field that lists other right wordings, or null for none */
  public EquivalenceGrader(String aliases) {
    this.aliases = aliases;
  }

  @Override
  public String gold(String text) {
    return text;
  }

  @Override
  public Verdict grade(TestRow row, String answer) {
    Map<String, String> options = options(row);
    Optional<String> read = new Equivalence(row.gold(), aliases(row.data()), options).read(answer);
    String right = options.getOrDefault(row.gold().strip().toUpperCase(Locale.ROOT), row.gold());
    boolean same = read.filter(right::equals).isPresent();
    return new Verdict(same ? row.gold() : read.orElse(null), same ? 1 : 0);
  }

  private List<String> aliases(JsonNode data) {
    List<String> texts = new ArrayList<>();
    JsonNode field = aliases == null || data == null ? null : data.get(aliases);
    if (field != null && field.isTextual()) {
      texts.add(field.textValue());
    } else if (field != null) {
      field.forEach(alias -> texts.add(alias.asText()));
    }
    return texts;
  }

  private static Map<String, String> options(TestRow row) {
    Map<String, String> options = new LinkedHashMap<>();
    if (row.data() != null && row.data().path("options").isObject()) {
      row.data().get("options").properties().forEach(option -> {
        if (option.getKey().matches("[A-Za-z]")) {
          options.put(option.getKey().toUpperCase(Locale.ROOT), option.getValue().asText());
        }
      });
    }
    String prompt = row.prompt() == null ? null : Wording.of(row.prompt().isTextual() ? row.prompt().textValue() : row.prompt().toString());
    boolean shown = prompt == null || options.values().stream().allMatch(text -> Wording.contains(prompt, Wording.of(text)));
    return shown ? options : Map.of();
  }
}
