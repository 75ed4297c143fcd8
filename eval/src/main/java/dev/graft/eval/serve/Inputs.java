package dev.graft.eval.serve;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Fields that hold a text, ids, or a list of either. */
final class Inputs {
  private Inputs() {}

  /** The one or many inputs of a field, each a text or a list of ids. @throws ApiException when it is none of these, or has too many */
  static List<JsonNode> split(String name, JsonNode node, int most) {
    List<JsonNode> inputs = new ArrayList<>();
    if (node.isTextual() || node.isArray() && !node.isEmpty() && node.get(0).isNumber()) {
      inputs.add(node);
    } else if (node.isArray()) {
      node.forEach(inputs::add);
    }
    if (inputs.isEmpty() || inputs.size() > most || inputs.stream().anyMatch(one -> !one.isTextual() && !(one.isArray() && !one.isEmpty()))) {
      throw ApiException.bad(name, name + " must be a string, a list of token ids, or a list of at most " + most + " of these");
    }
    return inputs;
  }

  /** Ids of one input. @throws ApiException when one is not the vocabulary's, or nothing is there */
  static int[] ids(String name, JsonNode one, Served served) {
    if (one.isTextual()) {
      return served.prompts().text(Fields.checked(name, one.textValue()));
    }
    int[] ids = new int[one.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = one.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0 || id.intValue() >= served.vocabulary().size()) {
        throw ApiException.bad(name, name + " has an item that is no token id; ids are whole numbers from 0 to " + (served.vocabulary().size() - 1));
      }
      ids[i] = id.intValue();
    }
    return ids;
  }
}
