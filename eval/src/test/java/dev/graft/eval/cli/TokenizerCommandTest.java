package dev.graft.eval.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** graft tokenizer, and text learnt whole with what it makes. */
class TokenizerCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;
  private Path text;
  private Path chats;
  private Path tokenizer;

  @BeforeEach
  void write() throws IOException {
    text = Files.writeString(folder.resolve("notes.txt"), "The patient was seen. The patient was well. Dose 500 mg daily.\n".repeat(30));
    chats = Files.writeString(folder.resolve("chats.jsonl"),
        "{\"messages\": [{\"role\": \"user\", \"content\": \"Was the patient seen?\"}, {\"role\": \"assistant\", \"content\": \"The patient was seen.\"}]}\n".repeat(3)
            + "{\"text\": \"The patient was well.\"}\n");
    tokenizer = folder.resolve("tok.gguf");
  }

  private Path model() {
    Path model = folder.resolve("model.gguf");
    Cli.run("tokenizer", "--data", text, "--data", chats, "--vocab-size", 290, "--output", tokenizer, "--quiet").ok();
    Cli.run("bench", "make-model", "--shape", "tiny", "--type", "F32", "--vocabulary", tokenizer, "--context", 64, "--output", model).ok();
    return model;
  }

  @Test
  void tellsWhatItMade() throws IOException {
    JsonNode json = JSON.readTree(Cli.run("tokenizer", "--data", text, chats, "--vocab-size", 290, "--special", "<|tool|>", "--output", tokenizer, "--json").ok().out());
    assertThat(json.path("tokens").asInt()).isEqualTo(290);
    assertThat(json.path("merges").asInt()).isEqualTo(29);
    assertThat(json.path("special").get(4).asText()).isEqualTo("<|tool|>");
    assertThat(json.path("bytes_per_token").asDouble()).isBetween(1.2, 8.0);
    assertThat(json.path("text_bytes").asLong()).isEqualTo(Files.size(text) + 3 * ("Was the patient seen?".length() + "The patient was seen.".length()) + "The patient was well.".length());
    byte[] first = Files.readAllBytes(tokenizer);
    assertThat(Cli.run("tokenizer", "--data", text, "--data", chats, "--vocab-size", 290, "--special", "<|tool|>", "--output", tokenizer).ok().out()).contains("290 tokens (5 special, 256 bytes, 29 merges)");
    assertThat(Files.readAllBytes(tokenizer)).isEqualTo(first);
    JsonNode inspected = JSON.readTree(Cli.run("inspect", tokenizer, "--json").ok().out());
    assertThat(inspected.path("trainable").asBoolean()).isTrue();
  }

  @Test
  void refusesInOneLineAndWritesNothing() throws IOException {
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 100_000, "--output", tokenizer).fails(2).err()).contains("this text makes").contains("give --vocab-size");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 200, "--output", tokenizer).fails(2).err()).contains("must be from 260");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--min-frequency", 0, "--output", tokenizer).fails(2).err()).contains("--min-frequency 0");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--special", "<a>", "<a>", "--output", tokenizer).fails(2).err()).contains("--special <a> is there already, twice");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--special", "", "--output", tokenizer).fails(2).err()).contains("--special is empty");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--template", "no-such", "--output", tokenizer).fails(2).err()).contains("--template no-such");
    assertThat(Cli.run("tokenizer", "--data", folder.resolve("none.txt"), "--vocab-size", 290, "--output", tokenizer).fails(3).err()).contains("no such file");
    assertThat(Cli.run("tokenizer", "--data", Files.writeString(folder.resolve("e.txt"), ""), "--vocab-size", 290, "--output", tokenizer).fails(3).err()).contains("is empty");
    Path latin = Files.write(folder.resolve("l.txt"), new byte[] {'a', '\n', (byte) 0xE9, 'b'});
    assertThat(Cli.run("tokenizer", "--data", latin, "--vocab-size", 290, "--output", tokenizer).fails(3).err()).contains("l.txt:2: is not UTF-8 text at byte 2");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--output", folder.resolve("no/tok.gguf")).fails(1).err()).contains("there is no folder");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--output", folder).fails(2).err()).contains("is a folder");
    assertThat(Cli.run("tokenizer", "--data", text, "--vocab-size", 290, "--output", text).fails(2).err()).contains("is also an input");
    assertThat(tokenizer).doesNotExist();
  }

  @Test
  void aModelWithItLearnsTextWhole() throws IOException {
    Path model = model();
    JsonNode preview = JSON.readTree(Cli.run("preview", "--model", model, "--data", text, "--rows", 2, "--max-length", 16, "--json").ok().out());
    JsonNode tokens = preview.path("rows").get(1).path("tokens");
    assertThat(tokens).hasSize(16);
    assertThat(tokens.get(0).path("text").asText()).isEqualTo("<|begin_of_text|>");
    assertThat(tokens.get(0).path("learnt").asBoolean()).isFalse();
    assertThat(tokens.get(1).path("learnt").asBoolean()).isTrue();
    assertThat(preview.path("report").path("text_windows").asInt()).isGreaterThan(20);

    Path run = folder.resolve("run");
    Cli.run("sft", "--model", model, "--data", text, "--output", run, "--max-steps", 2, "--max-length", 32, "--quiet").ok();
    JsonNode config = JSON.readTree(run.resolve("config.json").toFile());
    assertThat(config.path("options").path("train-on-prompts").asBoolean(true)).isFalse();
    assertThat(config.path("data_report").path("cut_texts").path("count").asInt()).isEqualTo(1);
    assertThat(config.path("plan").path("rows").asInt()).isGreaterThan(20);
  }

  @Test
  void promptsAreLearntWhenAskedForAndAResumeMustAskAgain() throws IOException {
    Path model = model();
    JsonNode plain = JSON.readTree(Cli.run("preview", "--model", model, "--data", chats, "--json").ok().out()).path("report");
    JsonNode whole = JSON.readTree(Cli.run("preview", "--model", model, "--data", chats, "--train-on-prompts", "--json").ok().out()).path("report");
    assertThat(whole.path("learnt_tokens").asInt()).isEqualTo(whole.path("tokens").asInt() - 4).isGreaterThan(2 * plain.path("learnt_tokens").asInt() - 20);
    Path run = folder.resolve("run");
    Cli.run("sft", "--model", model, "--data", chats, "--output", run, "--max-steps", 1, "--train-on-prompts", "--quiet").ok();
    assertThat(JSON.readTree(run.resolve("config.json").toFile()).path("options").path("train-on-prompts").asBoolean()).isTrue();
    assertThat(Cli.run("sft", "--model", model, "--data", chats, "--output", run, "--max-steps", 1, "--resume", "--quiet").fails(2).err()).contains("--train-on-prompts false (it was true)");
    Cli.run("sft", "--model", model, "--data", chats, "--output", run, "--max-steps", 1, "--resume", "--train-on-prompts", "--quiet").ok();
  }

  @Test
  void textIsRefusedWhereAnswersAreNeeded() {
    Path model = model();
    for (Path data : new Path[] {text, chats}) {
      assertThat(Cli.run("score", "--model", model, "--data", data, "--output", folder.resolve("o.jsonl"), "--quiet").fails(3).err()).contains("text").contains("learn text with graft sft");
    }
    assertThat(Cli.run("dpo", "--model", model, "--data", text, "--output", folder.resolve("dpo"), "--quiet").fails(3).err()).contains("notes.txt: is plain text (.txt), without chosen and rejected");
    assertThat(Cli.run("generate", "--model", model, "--data", text, "--output", folder.resolve("g.jsonl"), "--quiet").fails(3).err()).contains("without a prompt");
    Cli.run("dpo", "--model", model, "--data", text, "--output", folder.resolve("dpo"), "--train-on-prompts").fails(2);
  }
}
