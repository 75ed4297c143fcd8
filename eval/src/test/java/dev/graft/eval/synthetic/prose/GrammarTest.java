package dev.graft.eval.synthetic.prose;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class GrammarTest {
  private static TreeSet<String> all(String line) {
    TreeSet<String> said = new TreeSet<>();
    for (int i = 0; i < 400; i++) {
      said.add(Grammar.expand(line, Map.of("he", "she"), new SplittableRandom(i)));
    }
    return said;
  }

  @Test
  void expandsAlternativesAndNumbersAndNames() {
    assertThat(all("a | {b|{c|d} e}")).containsExactly("a", "b", "c e", "d e");
    assertThat(all("{very |}ill")).containsExactly("ill", "very ill");
    assertThat(all("{3..5} mg")).containsExactly("3 mg", "4 mg", "5 mg");
    assertThat(all("{0.98..1.01}")).containsExactly("0.98", "0.99", "1.00", "1.01");
    assertThat(all("<he> {is|was}")).containsExactly("she is", "she was");
  }

  @Test
  void namesWhatIsWrong() {
    assertThatThrownBy(() -> all("<him>")).hasMessageContaining("<him>");
    assertThatThrownBy(() -> all("{a|b")).hasMessageContaining("{a|b");
    assertThatThrownBy(() -> all("a}")).hasMessageContaining("a}");
  }

  @Test
  void tidies() {
    assertThat(Grammar.tidy("a 8-year-old  boy . he is ill")).isEqualTo("An 8-year-old boy. He is ill");
    assertThat(Grammar.tidy("a 80-year-old man and a 18-year-old one, not a 12-year-old")).startsWith("An 80").contains("an 18", "a 12");
    assertThat(Grammar.tidy("seen by Dr. x at 3.5 mg. done")).isEqualTo("Seen by Dr. x at 3.5 mg. Done");
    assertThat(Grammar.list(List.of("a", "b", "c"), "and")).isEqualTo("a, b and c");
    assertThat(Grammar.list(List.of("a"), "or")).isEqualTo("a");
  }

  @Test
  void rotationVisitsAllInEachPass() {
    for (int pass = 0; pass < 4; pass++) {
      TreeSet<Integer> seen = new TreeSet<>();
      for (int i = 0; i < 9; i++) {
        seen.add(Chance.rotated(pass * 9 + i, 9));
      }
      assertThat(seen).hasSize(9);
    }
  }

  @Test
  void slipsSpareNumbersNamesAndWhatIsAskedFor() {
    String text = "Takes metoprolol 25 mg, has palpitations and WARFARINE at 123456789";
    for (int i = 0; i < 200; i++) {
      String slipped = Words.mistype(text, 1, "metoprolol", new SplittableRandom(i));
      assertThat(slipped).contains("metoprolol 25 mg", "WARFARINE", "123456789");
      assertThat(slipped.length()).isBetween(text.length() - 1, text.length() + 1);
    }
    assertThat(Words.count("a 1.2 mg - dose (daily)")).isEqualTo(5);
  }
}
