package dev.graft.eval.synthetic;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class NearDuplicatesTest {
  @Test
  void countsTextsThatSayNearlyTheSame() {
    String text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen";
    // ten runs each; a changed last word leaves nine of eleven, a changed middle word five of fifteen
    assertThat(NearDuplicates.count(List.of(text, text), 0.6)).isEqualTo(1);
    assertThat(NearDuplicates.count(List.of(text, text.replace("fourteen", "end")), 0.6)).isEqualTo(1);
    assertThat(NearDuplicates.count(List.of(text, text.replace("seven", "x")), 0.6)).isZero();
    assertThat(NearDuplicates.count(List.of(text, text.replace("seven", "x")), 0.3)).isEqualTo(1);
  }
}
