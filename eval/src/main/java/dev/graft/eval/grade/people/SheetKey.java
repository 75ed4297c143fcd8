package dev.graft.eval.grade.people;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.graft.trainer.data.DataException;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What ties sheets to systems, and is kept from the graders: for each answer its codes (one for each grader, and one for who settles
 * disagreements), the text that is shown, and the predictions that gave it.
 *
 * @param scale of the grades  @param graders how many grade everything  @param seed of codes and orders  @param predictions the file, for the record
 * @param items the answers
 */
record SheetKey(Scale scale, int graders, long seed, String predictions, List<Item> items) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String VERSION = "graft grading key 1";

  /**
   * An answer to be graded; systems that gave the same answer to a row share it.
   *
   * @param codes of the row in each grader's sheet, then in that of who settles disagreements
   * @param prompt what was asked  @param gold the reference  @param answer as given  @param lines the predictions
   */
  record Item(List<String> codes, String prompt, String gold, String answer, List<ObjectNode> lines) {}

  /** The letter of a grader, from 0; the last is for who settles disagreements. */
  String letter(int grader) {
    return grader == graders ? "T" : String.valueOf((char) ('A' + grader));
  }

  void write(Path file) throws IOException {
    ObjectNode root = JSON.createObjectNode().put("kind", VERSION).put("scale", scale.id()).put("graders", graders).put("seed", seed).put("predictions", predictions);
    ArrayNode list = root.putArray("items");
    for (Item item : items) {
      ObjectNode node = list.addObject();
      node.set("codes", JSON.valueToTree(item.codes()));
      node.put("prompt", item.prompt()).put("gold", item.gold()).put("answer", item.answer());
      node.putArray("predictions").addAll(item.lines());
    }
    try {
      SafeFiles.writeText(file, JSON.writerWithDefaultPrettyPrinter().writeValueAsString(root) + "\n");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("cannot write the key as JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** @throws DataException when it is no key */
  static SheetKey read(Path file) {
    JsonNode root;
    try {
      root = JSON.readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new DataException(file, e.getLocation() == null ? 0 : e.getLocation().getLineNr(), "is not valid JSON: " + e.getOriginalMessage() + "; give the key.json of graft grade export", e);
    } catch (NoSuchFileException e) {
      throw new DataException(file, 0, "no such file; give the key.json of graft grade export", e);
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e), e);
    }
    Scale scale = Scale.of(root.path("scale").asText()).orElse(null);
    int graders = root.path("graders").asInt();
    if (!root.path("kind").asText().equals(VERSION) || scale == null || graders < 2 || graders > 9 || !root.path("items").isArray() || root.path("items").isEmpty()) {
      throw new DataException(file, 0, "is no key of sheets; give the key.json of graft grade export");
    }
    List<Item> items = new ArrayList<>();
    for (JsonNode node : root.path("items")) {
      List<String> codes = new ArrayList<>();
      node.path("codes").forEach(code -> codes.add(code.asText()));
      List<ObjectNode> lines = new ArrayList<>();
      node.path("predictions").forEach(line -> {
        if (line instanceof ObjectNode object) {
          lines.add(object);
        }
      });
      if (codes.size() != graders + 1 || lines.isEmpty()) {
        throw new DataException(file, 0, "items[" + items.size() + "] has not what it should; export the sheets again");
      }
      items.add(new Item(codes, node.path("prompt").asText(), node.path("gold").asText(), node.path("answer").asText(), lines));
    }
    return new SheetKey(scale, graders, root.path("seed").asLong(), root.path("predictions").asText(), items);
  }
}
