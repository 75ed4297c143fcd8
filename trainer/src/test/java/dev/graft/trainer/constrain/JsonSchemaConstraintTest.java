package dev.graft.trainer.constrain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import dev.graft.trainer.tokenizer.Vocabulary;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonSchemaConstraintTest {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS).enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
  private static final SchemaRegistry ORACLE = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
  private static final Vocabulary BPE = Walks.bpe();
  private static final Vocabulary SPM = Walks.spm();
  private static final Constraints BPE_FORMS = Constraints.of(BPE);
  private static final Constraints SPM_FORMS = Constraints.of(SPM);

  private static final String TREE =
      "{'type':'object','properties':{'value':{'type':'integer'},'next':{'anyOf':[{'$ref':'#'},{'type':'null'}]}},'required':['value','next'],'additionalProperties':false}";
  private static final String STEPS =
      "{'type':'object','properties':{'steps':{'type':'array','items':{'$ref':'#/$defs/step'}},'final answer':{'type':'string'}},'required':['steps','final answer'],'additionalProperties':false,"
          + "'$defs':{'step':{'type':'object','properties':{'explanation':{'type':'string'},'output':{'type':'string'}},'required':['explanation','output'],'additionalProperties':false}}}";
  private static final String LINKED =
      "{'$defs':{'node':{'type':'object','properties':{'name':{'type':'string','maxLength':4},'kids':{'type':'array','items':{'$ref':'#/$defs/node'},'maxItems':3}},'required':['name']}},'$ref':'#/$defs/node'}";
  private static final String SHAPES =
      "{'type':'array','minItems':1,'maxItems':4,'items':{'oneOf':[{'type':'object','properties':{'type':{'const':'circle'},'r':{'type':'number','minimum':0.5}},'required':['type','r'],"
          + "'additionalProperties':false},{'type':'object','properties':{'type':{'const':'box'},'w':{'type':'integer','exclusiveMinimum':0,'maximum':100},'h':{'type':'integer'}},'required':['type','w'],"
          + "'additionalProperties':false}]}}";
  private static final String ALL_OF =
      "{'allOf':[{'type':'object','properties':{'a':{'type':'integer','minimum':3}},'required':['a']},{'$ref':'#/$defs/b'},{'properties':{'a':{'maximum':7}}}],"
          + "'$defs':{'b':{'type':'object','properties':{'b':{'type':'string','minLength':2,'maxLength':3}},'required':['b']}}}";

  private static JsonNode node(String text) {
    try {
      return JSON.readTree(text.replace('\'', '"'));
    } catch (JsonProcessingException e) {
      throw new AssertionError(text, e);
    }
  }

  private static void validate(JsonNode schema, String text) {
    Schema oracle = ORACLE.getSchema(schema);
    JsonNode value;
    try {
      value = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new AssertionError("not JSON: " + text, e);
    }
    assertThat(oracle.validate(value, context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)))).as(text).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}", "true", "{'type':'object'}", "{'type':'array'}", "{'type':'string'}", "{'type':'integer'}", "{'type':'number'}", "{'type':['integer','null','boolean']}", "{'type':['number','integer','string']}",
        "{'type':'string','minLength':2,'maxLength':5}", "{'type':'string','minLength':3}", "{'type':'string','maxLength':0}", "{'type':'string','pattern':'^[a-z\\\\\\\\\\n]{1,3}$'}",
        "{'type':'string','pattern':'\\\\d+'}", "{'type':'string','pattern':'^a|b$','maxLength':6}", "{'type':'string','pattern':'[^a]','minLength':2,'maxLength':3}", "{'format':'date','type':'string'}",
        "{'type':'string','format':'date-time'}", "{'type':'string','format':'time'}", "{'type':'string','format':'uuid'}", "{'type':'string','format':'email','pattern':'\\\\.(com|org)$'}", "{'type':'string','format':'ipv4'}",
        "{'type':'string','format':'hostname'}", "{'type':'string','format':'duration'}", "{'type':'string','format':'ipv6'}", "{'type':'string','format':'uri'}", "{'type':'string','format':'date','pattern':'^2024-02'}",
        "{'type':'integer','minimum':-12,'maximum':105}", "{'type':'integer','minimum':7}", "{'type':'integer','maximum':-3}", "{'type':'integer','exclusiveMinimum':0,'exclusiveMaximum':2}",
        "{'type':'integer','minimum':0.5,'maximum':3.9}", "{'type':'integer','minimum':98,'maximum':1002}", "{'type':'number','minimum':-1.25,'maximum':0.031}", "{'type':'number','exclusiveMinimum':0,'maximum':1}",
        "{'type':'number','exclusiveMinimum':-0.5,'exclusiveMaximum':0}", "{'minimum':3}", "{'type':'number','minimum':10,'maximum':10}",
        "{'enum':['red','\u20ac \\\\n\\\"',null,12,1.50,true,[1,{'a':[]}],{}]}", "{'const':{'k':[1,2]}}", "{'type':'string','enum':['a','b',1]}", "{'enum':['a','abc',5,12],'minLength':2,'minimum':6}",
        "{'type':'array','items':{'type':'boolean'},'minItems':2,'maxItems':3}", "{'type':'array','items':{'type':'integer'},'minItems':3}", "{'type':'array','maxItems':0}",
        "{'type':'array','prefixItems':[{'type':'string'},{'type':'integer'}],'items':{'type':'null'}}", "{'type':'array','prefixItems':[{'type':'boolean'},{'type':'null'}]}",
        "{'type':'array','prefixItems':[{'type':'boolean'},{'type':'null'}],'items':false,'minItems':1}",
        "{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'null'},'c':{'type':'boolean'}},'required':['b']}", "{'type':'object','properties':{'a':{'type':'integer'}},'additionalProperties':{'type':'boolean'}}",
        "{'type':'object','properties':{'a':{'type':'integer'},'\\\"\u20ac/~':true,'no':false},'required':['\\\"\u20ac/~'],'additionalProperties':true}", "{'properties':{'a':{}},'required':['b'],'additionalProperties':{'type':'null'}}",
        "{'type':'object','additionalProperties':false}", "{'type':'object','properties':{}}", "{'anyOf':[{'type':'string','maxLength':3},{'type':'array','items':{'type':'string'}},{'type':'string','minLength':2}]}",
        "{'type':'object','properties':{'k':{'type':'integer'}},'required':['k'],'anyOf':[{'properties':{'x':{'type':'null'}},'required':['x']},{'properties':{'y':{'type':'null'}}}]}",
        "{'allOf':[{'type':['string','null']},{'type':['integer','null']}]}", "{'allOf':[{'type':'number'},{'type':'integer'},{'maximum':3}],'minimum':-3}", "{'type':'string','uniqueItems':false,'title':'t','x-order':3}", TREE, STEPS, LINKED,
        SHAPES, ALL_OF
      })
  void walksSatisfyTheSchema(String text) {
    JsonNode schema = node(text);
    Random random = new Random(1);
    for (int i = 0; i < 12; i++) {
      validate(schema, Walks.answer(BPE_FORMS.jsonSchema(schema), BPE, random, 30));
      validate(schema, Walks.answer(SPM_FORMS.jsonSchema(schema), SPM, random, 30));
    }
  }

  @Test
  void whatSatisfiesTheSchemaIsAcceptedHoweverItIsCut() {
    String[][] examples = {
      {"{}", "{'a': [1, -2.5e+10, true, null, '\\\\u00e9\\\\ud83d\\\\ude00\\\\/'], 'b': {}}"},
      {TREE, "{'value':1,'next':{'value':-20,'next':null}}"},
      {STEPS, "{\n  'steps': [\n    {\n      'explanation': 'x \u20ac',\n      'output': ''\n    }\n  ],\n  'final answer': 'abc'\n}"},
      {STEPS, "{'steps': [{'explanation': 'a', 'output': 'b'}, {'explanation': 'a', 'output': 'b'}], 'final answer': '\ud83d\ude00'}"},
      {LINKED, "{'name':'abcd','kids':[{'name':'','kids':[]},{'name':'\u20ac\u20ac\u20ac\u20ac'}]}"},
      {SHAPES, "[{'type':'circle','r':0.5},{'type':'box','w':100,'h':-7},{'type':'box','w':1}]"},
      {ALL_OF, "{'a':7,'b':'xyz'}"},
      {"{'type':'integer','minimum':-12,'maximum':105}", "105"},
      {"{'type':'integer','minimum':-12,'maximum':105}", "-12"},
      {"{'type':'integer','minimum':-12,'maximum':105}", "0"},
      {"{'type':'number','minimum':-1.25,'maximum':0.031}", "-1.25"},
      {"{'type':'number','minimum':-1.25,'maximum':0.031}", "0.0309"},
      {"{'type':'string','pattern':'b'}", "'a\\\\nb\\\\''"},
      {"{'type':'string','format':'date-time'}", "'2024-02-29T23:59:59.123Z'"},
      {"{'type':'string','format':'email'}", "'jane.doe+x@mail.example.org'"},
      {"{'type':'string','maxLength':3}", "'\ud83d\ude00\\\\ud83d\\\\ude00\u20ac'"},
      {"{'type':'object','properties':{'a':{'type':'integer'},'b':{'type':'null'},'c':{'type':'boolean'}},'required':['b']}", "{'b':null,'c':true}"},
      {"{'type':'object','properties':{'a':{'type':'integer'}},'additionalProperties':{'type':'boolean'}}", "{'a':1,'zz':true,'aa':false,'':true}"},
      {"{'enum':['red',{'a':[1,2]}]}", "{'a': [1, 2]}"},
      {"{'type':'string','nullable':true}", "null"},
    };
    for (String[] example : examples) {
      JsonNode schema = node(example[0]);
      String text = example[1].replace('\'', '"').replace("\\\\\"\"", "\\\"\"").replace("\\\\", "\\");
      for (int seed = 0; seed < 6; seed++) {
        assertThat(Walks.accepts(BPE_FORMS.jsonSchema(schema), BPE, text, new Random(seed))).as(text).isTrue();
        assertThat(Walks.accepts(SPM_FORMS.jsonSchema(schema), SPM, text, new Random(seed))).as(text).isTrue();
      }
    }
  }

  @Test
  void jacksonsAndPythonsLayoutsAreAccepted() throws JsonProcessingException {
    JsonNode value = node("{'a':[1,2,{'b':[],'c':{}}],'d':'x','e':[[true]]}");
    for (String text : List.of(JSON.writeValueAsString(value), JSON.writerWithDefaultPrettyPrinter().writeValueAsString(value), value.toString().replace(",", ", ").replace(":", ": "))) {
      assertThat(Walks.accepts(BPE_FORMS.json(), BPE, text, new Random(1))).as(text).isTrue();
      assertThat(Walks.accepts(BPE_FORMS.jsonObject(), BPE, text, new Random(1))).as(text).isTrue();
    }
    assertThat(Walks.accepts(BPE_FORMS.jsonObject(), BPE, "[1]", new Random(1))).isFalse();
    assertThat(Walks.accepts(BPE_FORMS.json(), BPE, "[1]", new Random(1))).isTrue();
  }

  @Test
  void whatDoesNotSatisfyItIsNotAccepted() {
    String[][] examples = {
      {"{}", "{'a':1,}"}, {"{}", "01"}, {"{}", "'\\ud800'"}, {"{}", "[1,\n\n2]"}, {"{}", " 1"}, {"{}", "'\n'"}, {"{}", "{'a'  :1}"}, {TREE, "{'next':null,'value':1}"}, {TREE, "{'value':1}"},
      {"{'type':'integer','minimum':-12,'maximum':105}", "106"}, {"{'type':'integer','minimum':-12,'maximum':105}", "-13"}, {"{'type':'string','maxLength':2}", "'abc'"},
      {"{'type':'string','format':'date'}", "'2023-02-29'"}, {"{'type':'object','additionalProperties':{'type':'null'},'properties':{'a':{'type':'integer'}}}", "{'a':null}"}
    };
    for (String[] example : examples) {
      String text = example[1].replace('\'', '"');
      assertThat(Walks.accepts(BPE_FORMS.jsonSchema(node(example[0])), BPE, text, new Random(2))).as(text).isFalse();
    }
  }

  @Test
  void masksAreWhatTryingEachTokenGives() {
    for (String text : List.of(SHAPES, LINKED, "{}", "{'type':'string','minLength':2,'maxLength':40}", "{'type':'string','minLength':12,'maxLength':30}", "{'type':'number','minimum':-1.25,'maximum':12}")) {
      for (Vocabulary v : List.of(BPE, SPM)) {
        TokenConstraint constraint = (v == BPE ? BPE_FORMS : SPM_FORMS).jsonSchema(node(text));
        Random random = new Random(9);
        List<Integer> before = new ArrayList<>();
        ConstraintState state = constraint.start();
        while (before.size() < 14 && !state.finished()) {
          BitSet mask = BitSet.valueOf(state.allowed());
          assertThat(mask).as(text + " after " + before).isEqualTo(Walks.bruteForce(constraint, v, before));
          int[] longer = mask.stream().filter(id -> !v.endOfGeneration().contains(id) && (v.pieceBytes(id) > 1 || random.nextInt(4) == 0)).toArray();
          int[] all = mask.stream().filter(id -> !v.endOfGeneration().contains(id)).toArray();
          int token = longer.length > 0 ? longer[random.nextInt(longer.length)] : all[random.nextInt(all.length)];
          state.accept(token);
          before.add(token);
        }
      }
    }
  }

  @Test
  void nestingIsBoundedAndStillEnds() {
    ConstraintState state = BPE_FORMS.json().start();
    int depth = 0;
    while (Walks.has(state.allowed(), '[') && depth < 10_000) {
      state.accept('[');
      depth++;
    }
    assertThat(depth).isBetween(100, Limits.STACK + 1);
    for (; depth > 0; depth--) {
      assertThat(Walks.has(state.allowed(), ']')).isTrue();
      state.accept(']');
    }
    assertThat(state.finished()).isTrue();
  }

  @Test
  void ambiguousAlternativesDoNotMultiply() {
    JsonNode schema =
        node("{'anyOf':[{'type':'array','items':{'$ref':'#'}},{'type':'array','items':{'anyOf':[{'$ref':'#'},{'type':'integer'}]}},{'type':'array','items':{'$ref':'#/anyOf/1'},'minItems':1}]}");
    String text = "[".repeat(60) + "]".repeat(60);
    assertThat(Walks.accepts(BPE_FORMS.jsonSchema(schema), BPE, text, new Random(1))).isTrue();
  }

  @Test
  void badSchemasSayWhatAndWhere() {
    String[][] bad = {
      {"{'type':'object','properties':{'a/b':{'not':{}}}}", "JSON schema at #/properties/a~1b/not: the keyword not is not supported"},
      {"{'type':'obj'}", "JSON schema at #/type: \"obj\" is not a type"}, {"{'$ref':'#/$defs/x'}", "JSON schema at #/$ref: nothing is at #/$defs/x"},
      {"{'$ref':'http://example.org/s.json'}", "#/$ref: only references within the schema"}, {"{'$ref':'#'}", "refers to itself without an end"},
      {"{'anyOf':[{'type':'null'},{'$ref':'#'}]}", "refers to itself without an end"}, {"{'type':'string','format':'iri'}", "#/format: the format iri is not supported; there are date, date-time"},
      {"{'type':'string','pattern':'(a'}", "JSON schema at #/pattern: regular expression, character 0: '(' without ')'"}, {"{'type':'string','minLength':4,'maxLength':3}", "no value fits: a string of at least 4 and at most 3"},
      {"{'type':'integer','minimum':4,'maximum':3}", "JSON schema at #: no value fits: no number is within the bounds"}, {"{'type':'array','maxItems':100000}", "#/maxItems: 100000 is more than 10000"},
      {"{'type':'array','maxItems':-1}", "#/maxItems: a whole number from 0 is wanted"}, {"{'allOf':[{'type':'string'},{'type':'null'}]}", "the types that are asked for exclude each other"},
      {"{'type':'object','properties':{'a':{'$ref':'#'}},'required':['a']}", "no answer could ever be finished"}, {"{'properties':[]}", "#/properties: an object of schemas is wanted"}, {"{'anyOf':[]}", "#/anyOf: a list of schemas is wanted"},
      {"{'anyOf':[3]}", "JSON schema at #/anyOf/0: a schema is wanted"}, {"{'items':{'uniqueItems':true}}", "JSON schema at #/items/uniqueItems: the keyword uniqueItems is not supported"}, {"[]", "JSON schema: an object is wanted"},
      {"false", "no answer could ever be finished"}, {"{'minimum':1e300}", "#/minimum: 1E+300 has more than 30 digits"}, {"{'enum':[]}", "#/enum: a list of values is wanted"}, {"{'enum':['a'],'type':'null'}", "none of the enumerated values"},
      {"{'required':['a'],'properties':{},'additionalProperties':false}", "the property a is required, and additionalProperties forbids it"}, {"{'const':{'a':1},'properties':{'a':{}}}", "#/properties: beside an enum or const"},
      {"{'type':'object','patternProperties':{'a':{}}}", "#/patternProperties: the keyword patternProperties is not supported"}, {"{'type':'string','pattern':'a$b'}", "#/pattern: regular expression: ^ is supported only"},
      {"{'type':'string','pattern':'^(a|b)*a(a|b){40}$'}", "#/pattern: the regular expression is too large or too ambiguous"}
    };
    for (String[] each : bad) {
      assertThatThrownBy(() -> BPE_FORMS.jsonSchema(node(each[0]))).as(each[0]).isInstanceOf(ConstraintException.class).hasMessageContaining(each[1]);
    }
  }

  @Test
  void hostileSchemasEndInErrors() {
    String deep = "{'type':'array','items':".repeat(250) + "{}" + "}".repeat(250);
    assertThatThrownBy(() -> BPE_FORMS.jsonSchema(node(deep))).hasMessageContaining("nests more than 200 deep");
    StringBuilder chain = new StringBuilder("{'$ref':'#/$defs/a0','$defs':{");
    StringBuilder product = new StringBuilder("{'allOf':[");
    for (int i = 0; i < 400; i++) {
      chain.append("'a").append(i).append("':{'$ref':'#/$defs/a").append(i + 1).append("'},");
    }
    for (int i = 0; i < 20; i++) {
      product.append(i > 0 ? "," : "").append("{'anyOf':[{'minimum':").append(i).append("},{'maximum':").append(i).append("}]}");
    }
    assertThatThrownBy(() -> BPE_FORMS.jsonSchema(node(chain + "'a400':{}}}"))).hasMessageContaining("through more than 200 references");
    assertThatThrownBy(() -> BPE_FORMS.jsonSchema(node(product + "]}"))).hasMessageContaining("more than 300 alternatives");
    StringBuilder wide = new StringBuilder("{'type':'object','properties':{");
    for (int i = 0; i < 600; i++) {
      wide.append(i > 0 ? "," : "").append("'a").append(i).append("':{}");
    }
    assertThatThrownBy(() -> BPE_FORMS.jsonSchema(node(wide + "}}"))).hasMessageContaining("JSON schema at #: an object has 600 properties that are not required");
    String strings = "{'type':'object','properties':{'a':{'type':'string','maxLength':9000},'b':{'type':'string','maxLength':9001},'c':{'type':'string','maxLength':9002}}}";
    assertThatThrownBy(() -> BPE_FORMS.jsonSchema(node(strings))).hasMessageContaining("JSON schema at #/properties/c: a string is too large");
    String grows = "{'allOf':[{'$ref':'#/$defs/a'},{'properties':{'x':{'$ref':'#'},'y':{'allOf':[{'$ref':'#'},{'$ref':'#/$defs/a'}]}}}],'$defs':{'a':{'type':'object','properties':{'x':{'$ref':'#/$defs/a'},'y':{'$ref':'#'}}}}}";
    validate(node(grows), Walks.answer(BPE_FORMS.jsonSchema(node(grows)), BPE, new Random(1), 40));
  }
}
