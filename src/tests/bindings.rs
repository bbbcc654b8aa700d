//! `bindings/api.json`: the table of the API, the results and the C interface as data, from which
//! the bindings for other languages make all that they would else list by hand.
//!
//! With CHROMESOCK_WRITE_BINDINGS set, the test writes the file instead of comparing (`make bindings`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::header::{header, numbers_of, read};
use crate::api::net_error::Status;
use crate::api::signature::{
    Absent, Callback, Field, Kind, NOT_ZERO, Outcome, Parameter, SIGNATURES, Shape, Signature,
    TYPES, Type,
};
use crate::api::table::{MEMBERS, Member};

/// The C code of the header, without comments.
fn code() -> String {
    let header = header();
    let parts = header.split("/*").enumerate();
    let code: String = parts
        .map(|(n, part)| if n == 0 { part } else { part.split_once("*/").unwrap().1 })
        .collect();
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `const char *const *texts` as type and name.
fn declared(text: &str) -> Value {
    let text = text.replace("struct ", "");
    let name_at = text.trim_end_matches(']').rfind([' ', '*']).unwrap() + 1;
    let (c_type, name) = (text[..name_at].trim(), &text[name_at..]);
    match name.split_once('[') {
        Some((name, count)) => {
            json!({ "name": name, "type": format!("{c_type}[{count}") })
        }
        None => json!({ "name": name, "type": c_type }),
    }
}

/// Every struct with members, in the header's order.
fn structs(code: &str) -> Map<String, Value> {
    let mut structs = Map::new();
    for part in code.split("typedef struct ").skip(1) {
        let Some((name, rest)) = part.split_once(" { ") else { continue };
        if name.contains(';') {
            continue;
        }
        let (body, _) = rest.split_once(" } ").unwrap();
        let members = body.split(';').map(str::trim).filter(|member| !member.is_empty());
        structs.insert(name.to_owned(), members.map(declared).collect());
    }
    structs
}

/// Every function: what it returns and takes.
fn functions(code: &str) -> Map<String, Value> {
    let (_, code) = code.split_once("extern \"C\" {").unwrap();
    let mut functions = Map::new();
    for declaration in code.split(';').filter(|text| text.contains('(')) {
        let declaration = declaration.rsplit("#endif // __cplusplus ").next().unwrap().trim();
        let (head, parameters) = declaration.split_once('(').unwrap();
        let name_at = head.rfind([' ', '*']).unwrap() + 1;
        let parameters = parameters.trim_end_matches(')').split(',').map(str::trim);
        let parameters: Vec<_> = parameters.filter(|text| *text != "void").map(declared).collect();
        let returns = head[..name_at].trim();
        functions.insert(
            head[name_at..].to_owned(),
            json!({ "returns": returns, "parameters": parameters }),
        );
    }
    functions
}

/// `#define CHROMESOCK_EVENT_DATA 4`.
fn defines() -> BTreeMap<String, u32> {
    let header = header();
    let defines = header.lines().filter_map(|line| line.strip_prefix("#define "));
    defines
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, number)| Some((name.to_owned(), number.trim().parse().ok()?)))
        .collect()
}

fn bit(c_struct: &str, bit: &str) -> u32 {
    let name = format!("{}_{bit}", c_struct.to_ascii_uppercase());
    *defines().get(&name).unwrap_or_else(|| panic!("{name} is not defined"))
}

fn kind(kind: Kind) -> Value {
    match kind {
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "binary" }),
        Kind::Named(name) => {
            let known = TYPES.iter().find(|t| t.name == name);
            let known = known.unwrap_or_else(|| panic!("no type {name}"));
            let word = if matches!(known.shape, Shape::Enum(_)) { "enum" } else { "object" };
            json!({ "type": word, "ref": name })
        }
    }
}

fn with(mut value: Value, more: &[(&str, Value)]) -> Value {
    for (name, added) in more {
        value[*name] = added.clone();
    }
    value
}

fn member_of_type(field: &Field, c_name: &str) -> Value {
    let mut value = with(kind(field.kind), &[("name", json!(field.name))]);
    if !field.c_field.is_empty() {
        value["field"] = json!(field.c_field);
    }
    match field.bit {
        "" => {}
        NOT_ZERO => value["present"] = json!("not zero"),
        name => value["present"] = json!(bit(c_name, name)),
    }
    value
}

fn type_of_api(named: &Type) -> Value {
    match named.shape {
        Shape::Enum(values) => {
            let numbers = numbers_of(named.c_name);
            for (text, number) in values {
                let c_name = numbers.get(&i64::from(*number)).expect("a number of the enum");
                let expected = format!("{}_{text}", named.c_name).to_ascii_uppercase();
                assert_eq!(c_name, &expected);
            }
            assert_eq!(numbers.len(), values.len(), "{}", named.name);
            let values: Map<_, _> =
                values.iter().map(|(text, n)| ((*text).to_owned(), json!(n))).collect();
            json!({ "enum": named.c_name, "values": values })
        }
        Shape::Object(members) => {
            let members: Vec<_> =
                members.iter().map(|field| member_of_type(field, named.c_name)).collect();
            json!({ "struct": named.c_name, "members": members })
        }
    }
}

fn parameter(parameter: &Parameter) -> Value {
    let value = with(kind(parameter.kind), &[("name", json!(parameter.name))]);
    match parameter.absent {
        Absent::Refused => value,
        Absent::Null => with(value, &[("optional", json!(true)), ("absent", Value::Null)]),
        Absent::Number(n) => with(value, &[("optional", json!(true)), ("absent", json!(n))]),
        Absent::Dropped => with(value, &[("optional", json!(true)), ("dropped", json!(true))]),
    }
}

fn outcome(outcome: Outcome) -> Value {
    let event = |name: &str| json!(bit("chromesock_event", name));
    let result = [("field", json!("result")), ("present", event("RESULT"))];
    let list = |items: Value, field: &str| {
        let bit = event(&field.to_ascii_uppercase());
        json!({ "type": "array", "items": items, "field": field, "present": bit })
    };
    match outcome {
        Outcome::Nothing => Value::Null,
        Outcome::Integer => with(json!({ "type": "integer" }), &result),
        Outcome::Boolean => with(json!({ "type": "boolean" }), &result),
        Outcome::Made(name) => kind(Kind::Named(name)),
        Outcome::Info(name) => with(kind(Kind::Named(name)), &[("present", event("RESULT"))]),
        Outcome::InfoOrCode(name) => with(
            kind(Kind::Named(name)),
            &[("present", event("RESULT")), ("bareWithMessage", json!(true))],
        ),
        Outcome::One(name, field) => with(
            kind(Kind::Named(name)),
            &[("field", json!(field)), ("present", event(&field.to_ascii_uppercase()))],
        ),
        Outcome::List(name, field) => list(kind(Kind::Named(name)), field),
        Outcome::Texts => list(json!({ "type": "string" }), "texts"),
    }
}

fn signature(member: &Member) -> &'static Signature {
    let name = member.chrome_name.to_str().unwrap();
    let found = SIGNATURES.iter().find(|signature| signature.chrome_name == name);
    found.unwrap_or_else(|| panic!("{name} has no signature"))
}

fn member(member: &Member) -> Value {
    let signature = signature(member);
    let kind = if member.event_type.is_notification() { "event" } else { "method" };
    let callback = match signature.callback {
        Callback::Required => json!("required"),
        Callback::OrPromise => json!("promise"),
        Callback::None => Value::Null,
    };
    let mut value = json!({
        "name": signature.chrome_name,
        "kind": kind,
        "eventType": member.event_type as u32,
        "function": member.c_name,
        "outcome": outcome(signature.outcome),
    });
    if !member.event_type.is_notification() {
        value["parameters"] = signature.parameters.iter().map(parameter).collect();
        value["callback"] = callback;
        value["createsSocket"] = json!(creates_socket(signature));
    }
    value
}

fn creates_socket(signature: &Signature) -> bool {
    signature.chrome_name.ends_with(".create")
}

/// The whole file.
fn api() -> Value {
    let results = numbers_of("chromesock_status").into_iter().rev().map(|(number, c_name)| {
        let status = Status::from_number(i32::try_from(number).unwrap()).unwrap();
        let name = status.name().to_str().unwrap();
        json!({ "number": number, "cName": c_name, "name": name, "text": status.text().to_str().unwrap() })
    });
    let host_events: Map<_, _> = numbers_of("chromesock_event_type")
        .into_iter()
        .filter(|(_, name)| name.starts_with("CHROMESOCK_"))
        .map(|(number, name)| (name, json!(number)))
        .collect();
    let code = code();
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "members": MEMBERS.iter().map(member).collect::<Vec<_>>(),
        "types": TYPES.iter().map(|t| (t.name.to_owned(), type_of_api(t))).collect::<Map<_, _>>(),
        "results": results.collect::<Vec<_>>(),
        "hostEvents": host_events,
        "defines": defines(),
        "structs": structs(&code),
        "functions": functions(&code),
    })
}

/// Readable, and yet one line for each entry.
fn text(api: &Value) -> String {
    let mut text = String::from("{");
    for (n, (section, entries)) in api.as_object().unwrap().iter().enumerate() {
        text += &format!("{}\n{}: ", if n > 0 { "," } else { "" }, json!(section));
        let (open, close, lines): (_, _, Vec<String>) = match entries {
            Value::Array(list) => ('[', ']', list.iter().map(Value::to_string).collect()),
            Value::Object(map) => {
                ('{', '}', map.iter().map(|(name, v)| format!("{}: {v}", json!(name))).collect())
            }
            single => {
                text += &single.to_string();
                continue;
            }
        };
        text += &format!("{open}\n  {}\n{close}", lines.join(",\n  "));
    }
    text + "\n}\n"
}

#[test]
fn the_bindings_table_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("bindings/api.json");
    let fresh = text(&api());
    if std::env::var_os("CHROMESOCK_WRITE_BINDINGS").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    assert!(read(&path) == fresh, "`make bindings` takes over a changed API");
}

#[test]
fn every_member_has_one_signature() {
    let members: BTreeSet<_> =
        MEMBERS.iter().map(|member| member.chrome_name.to_str().unwrap()).collect();
    let signatures: BTreeSet<_> =
        SIGNATURES.iter().map(|signature| signature.chrome_name).collect();
    assert_eq!(signatures.len(), SIGNATURES.len(), "twice");
    assert_eq!(members, signatures);
}

/// How C declares a parameter.
fn c_types(parameter: &Parameter, code: &Map<String, Value>) -> Vec<String> {
    let own = |text: &str| vec![text.to_owned()];
    match (parameter.kind, parameter.absent) {
        (_, Absent::Dropped) => vec![],
        (Kind::Integer, Absent::Null) => own("const int32_t *"),
        (Kind::Integer, _) => own("int32_t"),
        (Kind::Boolean, _) => own("chromesock_bool"),
        (Kind::Text, _) => own("const char *"),
        (Kind::Bytes, _) => vec!["const uint8_t *".to_owned(), "size_t".to_owned()],
        (Kind::Named(name), _) => {
            let named = TYPES.iter().find(|t| t.name == name).unwrap();
            match named.shape {
                Shape::Enum(_) => own("int32_t"),
                Shape::Object(_) => {
                    assert!(code.contains_key(named.c_name), "{}", named.c_name);
                    own(&format!("const {} *", named.c_name))
                }
            }
        }
    }
}

/// The bindings derive the arguments of each C function from its signature.
#[test]
fn signatures_and_c_declarations_agree() {
    let (code, mut checked) = (code(), 0);
    let (structs, functions) = (structs(&code), functions(&code));
    for member in MEMBERS.iter().filter(|member| !member.event_type.is_notification()) {
        let signature = signature(member);
        let mut expected = vec!["chromesock_app *".to_owned()];
        expected.extend(signature.parameters.iter().flat_map(|p| c_types(p, &structs)));
        expected.extend(creates_socket(signature).then(|| "int32_t *".to_owned()));
        expected.extend(["chromesock_callback".to_owned(), "void *".to_owned()]);
        let function = &functions[member.c_name];
        let declared: Vec<_> = function["parameters"].as_array().unwrap().iter().collect();
        let types: Vec<_> =
            declared.iter().map(|p| p["type"].as_str().unwrap().to_owned()).collect();
        assert_eq!(types, expected, "{}", member.c_name);
        assert_eq!(function["returns"], "chromesock_status");
        checked += 1;
    }
    assert!(checked > 40);
}

/// Members of objects name members of the C structs that they say.
#[test]
fn members_of_objects_are_members_of_their_structs() {
    let structs = structs(&code());
    for named in TYPES {
        let Shape::Object(members) = named.shape else { continue };
        for field in members.iter().filter(|field| !field.c_field.is_empty()) {
            let c_struct = structs.get(named.c_name);
            let c_struct = c_struct.unwrap_or_else(|| panic!("no struct {}", named.c_name));
            let declared: Vec<_> = c_struct.as_array().unwrap().iter().collect();
            let found = declared.iter().any(|member| member["name"] == field.c_field);
            assert!(found, "{}.{} is not in {}", named.name, field.name, named.c_name);
        }
    }
}
