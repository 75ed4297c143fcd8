package dev.graft.trainer.serve;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerTextTest {
  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void charactersAreNeverSplit() {
    byte[] emoji = utf8("a\uD83D\uDE00b");
    AnswerText text = new AnswerText(List.of());
    StringBuilder shown = new StringBuilder();
    for (byte b : emoji) {
      String more = text.add(new byte[] {b});
      assertThat(more).doesNotContain("\uFFFD");
      shown.append(more);
    }
    shown.append(text.finish());
    assertThat(shown.toString()).isEqualTo("a\uD83D\uDE00b").isEqualTo(text.text());
  }

  @Test
  void aCharacterCutOffAtTheEndIsDroppedAndBrokenBytesAreReplaced() {
    AnswerText text = new AnswerText(List.of());
    assertThat(text.add(new byte[] {'x', (byte) 0xFF, (byte) 0xE2, (byte) 0x82})).isEqualTo("x\uFFFD");
    assertThat(text.finish()).isEmpty();
  }

  @Test
  void aStopTextEndsTheAnswerBeforeItEvenAcrossTokens() {
    AnswerText text = new AnswerText(List.of("END", "###"));
    StringBuilder shown = new StringBuilder();
    for (String token : List.of("one #", "# two E", "N", "D three")) {
      shown.append(text.add(utf8(token)));
    }
    shown.append(text.finish());
    assertThat(text.stopped()).isTrue();
    assertThat(shown.toString()).isEqualTo("one ## two ").isEqualTo(text.text());
  }

  @Test
  void whatOnlyLooksLikeAStopTextIsShown() {
    AnswerText text = new AnswerText(List.of("END"));
    assertThat(text.add(utf8("E"))).isEmpty();
    assertThat(text.add(utf8("N"))).isEmpty();
    assertThat(text.add(utf8("E"))).isEqualTo("EN");
    assertThat(text.finish()).isEqualTo("E");
    assertThat(text.stopped()).isFalse();
  }

  @Test
  void wholeCharactersOfBrokenBytes() {
    assertThat(AnswerText.wholeCharacters(new byte[] {(byte) 0x80, (byte) 0x80, (byte) 0x80, (byte) 0x80})).isEqualTo(4);
    assertThat(AnswerText.wholeCharacters(new byte[0])).isZero();
    assertThat(AnswerText.wholeCharacters(new byte[] {(byte) 0xF0, (byte) 0x9F, (byte) 0x98})).isZero();
  }
}
