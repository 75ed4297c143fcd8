package dev.graft.eval.study;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.run.RunException;
import dev.graft.trainer.run.SafeFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What {@code metrics.jsonl} of a training tells.
 *
 * @param training loss of each step  @param evaluations in order  @param tokens of all steps, prompts included  @param stepSeconds wall time of all steps
 * @param evalSeconds wall time of all evaluations
 */
public record Curve(List<Point> training, List<Point> evaluations, long tokens, double stepSeconds, double evalSeconds) {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** A loss after a step; NaN where it was not finite. */
  public record Point(long step, double loss) {}

  /** Reads the file; a last line without its end is not there yet. @throws RunException when it cannot be read, or a line is no JSON */
  public static Curve read(Path file) {
    List<Point> training = new ArrayList<>();
    List<Point> evaluations = new ArrayList<>();
    long tokens = 0;
    double stepSeconds = 0;
    double evalSeconds = 0;
    int number = 0;
    try {
      String text = Files.readString(file);
      for (String line : text.substring(0, text.lastIndexOf('\n') + 1).lines().toList()) {
        number++;
        JsonNode node = JSON.readTree(line);
        if (node.has("eval_loss")) {
          evaluations.add(new Point(node.path("step").asLong(), node.path("eval_loss").asDouble(Double.NaN)));
          evalSeconds += node.path("eval_seconds").asDouble();
        } else {
          training.add(new Point(node.path("step").asLong(), node.path("loss").asDouble(Double.NaN)));
          tokens += node.path("tokens").asLong();
          stepSeconds += node.path("seconds").asDouble();
        }
      }
    } catch (JsonProcessingException e) {
      throw RunException.badData(file + ":" + number + ": is no JSON: " + e.getOriginalMessage() + "; remove the folder " + file.getParent() + ", and its training is done anew", e);
    } catch (IOException e) {
      throw RunException.badData(file + ": cannot be read: " + SafeFiles.reason(e), e);
    }
    return new Curve(training, evaluations, tokens, stepSeconds, evalSeconds);
  }

  /** The last step done, 0 for none. */
  public long steps() {
    return training.isEmpty() ? 0 : training.get(training.size() - 1).step();
  }

  /** The last loss while training. */
  public Optional<Double> lastTraining() {
    return training.isEmpty() ? Optional.empty() : Optional.of(training.get(training.size() - 1).loss());
  }

  /** The last evaluation. */
  public Optional<Point> lastEvaluation() {
    return evaluations.isEmpty() ? Optional.empty() : Optional.of(evaluations.get(evaluations.size() - 1));
  }
}
