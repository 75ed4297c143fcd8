package dev.graft.eval.serve;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.graft.trainer.data.Dataset;
import dev.graft.trainer.run.RowSource;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The same messages are the same tokens in training, scoring, generating and serving. */
class PromptsAgreeTest {
  private static final Path MODEL = FakeServer.demoBase();

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"auto", "chatml", "llama3", "mistral"})
  void trainingScoringGeneratingAndServing(String template) throws Exception {
    String system = template.equals("mistral") ? "" : "{\"role\":\"system\",\"content\":\"Be brief.\"},";
    String messages = "[" + system + "{\"role\":\"user\",\"content\":\"  Dysuria since Monday? \\u00e9\\ud83d\\ude00\"},{\"role\":\"assistant\",\"content\":\"Yes.\"},{\"role\":\"user\",\"content\":\"And\\nfever\"}]";
    JsonNode list = Fields.JSON.readTree(messages);
    Path rows = folder.resolve("rows.jsonl");
    Files.writeString(rows, "{\"prompt\":" + messages + ",\"completion\":[{\"role\":\"assistant\",\"content\":\"No.\"}]}\n");
    Path pairs = folder.resolve("pairs.jsonl");
    Files.writeString(pairs, "{\"prompt\":" + messages + ",\"chosen\":[{\"role\":\"assistant\",\"content\":\"No.\"}],\"rejected\":[{\"role\":\"assistant\",\"content\":\"Maybe.\"}]}\n");
    try (RowSource source = RowSource.open(MODEL, FakeServer.VOCABULARY.size(), template)) {
      int[] served = new RowPrompts(source).chat(list, Map.of());
      var trained = source.read(rows, Dataset.Kind.SFT, 0, false).sft().get(0); // graft sft and graft score read rows alike
      assertThat(served).isEqualTo(Arrays.copyOf(trained.tokens(), trained.learnt().nextSetBit(0)));
      assertThat(served).as("graft dpo").isEqualTo(source.read(pairs, Dataset.Kind.PREFERENCE, 0, false).preferences().get(0).prompt());
      assertThat(served).as("graft generate --data").isEqualTo(source.read(rows, Dataset.Kind.PROMPT, 0, true).prompts().get(0).tokens());
      JsonNode one = Fields.JSON.readTree("[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Hel\"},{\"type\":\"text\",\"text\":\"lo\"}]}]");
      assertThat(new RowPrompts(source).chat(one, Map.of())).as("graft generate --prompt").isEqualTo(source.prompt("Hello"));
    }
  }

  @Test
  void plainTextsHaveNoTemplate() {
    try (RowSource source = RowSource.open(MODEL, FakeServer.VOCABULARY.size(), "auto");
        RowSource none = RowSource.open(MODEL, FakeServer.VOCABULARY.size(), "none")) {
      assertThat(new RowPrompts(source).text("Hello")).isEqualTo(none.prompt("Hello")).isNotEqualTo(source.prompt("Hello"));
    }
  }
}
