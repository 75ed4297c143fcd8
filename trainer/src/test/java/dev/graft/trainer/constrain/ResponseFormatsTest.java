package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ResponseFormatsTest {
  private static final Vocabulary BPE = Walks.bpe();
  private static final Constraints FORMS = Constraints.of(BPE);

  private static TokenConstraint read(String request) throws JsonProcessingException {
    return ResponseFormats.read(new ObjectMapper().readTree(request.replace('\'', '"')), () -> FORMS);
  }

  @Test
  void formsAreRead() throws JsonProcessingException {
    assertThat(read("{}")).isNull();
    assertThat(read("{'response_format':null,'guided_json':null}")).isNull();
    assertThat(read("{'response_format':{'type':'text'}}")).isNull();
    String[][] forms = {
      {"{'response_format':{'type':'json_object'}}", "{\"a\":1}", "[1]"},
      {"{'response_format':{'type':'json_object','schema':{'type':'array'}}}", "[1]", "{}"},
      {"{'response_format':{'type':'json_schema','json_schema':{'name':'n','strict':true,'schema':{'type':'integer'}}}}", "12", "1.5"},
      {"{'response_format':{'type':'text'},'guided_choice':['yes','no']}", "no", "ye"},
      {"{'guided_regex':'a+b'}", "aab", "b"},
      {"{'guided_json':{'type':'null'}}", "null", "1"},
      {"{'guided_json':'{\\'type\\':\\'null\\'}'}", "null", "1"},
      {"{'guided_grammar':'root ::= [ab]'}", "b", "c"},
      {"{'structured_outputs':{'choice':['yes']}}", "yes", "no"},
      {"{'structured_outputs':{'json_object':true}}", "{}", "1"},
    };
    for (String[] form : forms) {
      assertThat(Walks.accepts(read(form[0]), BPE, form[1], new Random(1))).as(form[0]).isTrue();
      assertThat(Walks.accepts(read(form[0]), BPE, form[2], new Random(1))).as(form[0]).isFalse();
    }
  }

  @Test
  void errorsNameTheParameter() {
    String[][] bad = {
      {"{'response_format':'json'}", "response_format.type", "text, json_object or json_schema is wanted, not nothing"},
      {"{'response_format':{'type':'xml'}}", "response_format.type", "not \"xml\""},
      {"{'response_format':{'type':'json_schema'}}", "response_format.json_schema", "an object with name and schema is wanted"},
      {"{'response_format':{'type':'json_schema','json_schema':{'name':'n'}}}", "response_format.json_schema.schema", "JSON schema: an object is wanted"},
      {"{'response_format':{'type':'json_schema','json_schema':{'strict':1,'schema':{}}}}", "response_format.json_schema.strict", "true or false is wanted"},
      {"{'response_format':{'type':'json_schema','json_schema':{'schema':{'items':{'if':{}}}}}}", "response_format.json_schema.schema", "JSON schema at #/items/if: the keyword if is not supported"},
      {"{'guided_choice':'a'}", "guided_choice", "a list of strings is wanted"},
      {"{'guided_choice':[1]}", "guided_choice", "a list of strings is wanted"},
      {"{'guided_choice':[]}", "guided_choice", "the list of choices is empty"},
      {"{'guided_regex':'('}", "guided_regex", "regular expression, character 0"},
      {"{'guided_regex':3}", "guided_regex", "a string is wanted"},
      {"{'guided_json':'{'}", "guided_json", "JSON schema: not JSON"},
      {"{'structured_outputs':[]}", "structured_outputs", "an object is wanted"},
      {"{'response_format':{'type':'json_object'},'guided_regex':'a'}", "guided_regex", "already given by response_format"}
    };
    for (String[] each : bad) {
      assertThatThrownBy(() -> read(each[0]))
          .as(each[0])
          .isInstanceOfSatisfying(ConstraintException.class, e -> assertThat(e.parameter()).contains(each[1]))
          .hasMessageStartingWith(each[1] + ": ")
          .hasMessageContaining(each[2]);
    }
  }
}
