//! A property: what a rule lets ann see and do is what a key without restrictions sees and does in a database that holds
//! only what ann may see.
//!
//! Requests are made up at random, from a seed that a failure names. Those that a rule refuses (403) must leave everything
//! as it was; all others must give the model's answer, and leave the model's documents.

use serde_json::{Value, json};

use crate::bridge::Reply;
use crate::restricted::Restricted;

const CASES: u64 = 300;

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[usize::try_from(self.below(of.len() as u64)).unwrap()].clone()
    }

    fn value(&mut self) -> Value {
        let number = self.below(4);
        self.one(&[json!("ann"), json!("bob"), json!(number), json!("v"), json!("m"), json!(null), json!(["a", 1])])
    }

    fn document(&mut self, id: u64) -> Value {
        let mut document = json!({"_id": id});
        let owner =
            self.one(&[json!("ann"), json!("ann"), json!("bob"), json!("carl"), json!(["bob", "ann"]), json!(null)]);
        document["owner"] = owner;
        for name in ["n", "note", "secret", "tags"] {
            if self.below(3) > 0 {
                document[name] = self.value();
            }
        }
        let card = |random: &mut Self| json!({"number": random.value(), "brand": random.value()});
        match self.below(4) {
            0 => {}
            1 => document["card"] = card(self),
            2 => document["card"] = json!([card(self), card(self)]),
            _ => document["card"] = json!([card(self), 5, {"brand": "m"}]),
        }
        document
    }

    fn path(&mut self) -> &'static str {
        self.one(&["_id", "n", "n", "note", "owner", "tags", "card", "card.brand", "card.number", "secret", "missing"])
    }

    fn condition(&mut self) -> Value {
        let value = self.value();
        match self.below(11) {
            0..4 => value,
            4 => json!({"$ne": value}),
            5 => json!({"$gt": self.below(4)}),
            6 => json!({"$in": [value, self.below(4)]}),
            7 => json!({"$exists": self.below(2) == 0}),
            8 => json!({"$not": {"$gte": self.below(4)}}),
            9 => json!({"$type": self.one(&["string", "array", "object", "null"])}),
            _ => json!({"$regex": self.one(&["^a", "b", "v|m"])}),
        }
    }

    fn filter(&mut self, depth: u64) -> Value {
        match self.below(10) {
            0 => json!({}),
            1 if depth > 0 => json!({"$or": [self.filter(depth - 1), self.filter(depth - 1)]}),
            2 if depth > 0 => json!({"$and": [self.filter(depth - 1), self.filter(depth - 1)]}),
            3 if depth > 0 => json!({"$nor": [self.filter(depth - 1)]}),
            4 => json!({"$expr": self.expression()}),
            5 => json!({"card": {"$elemMatch": {self.one(&["brand", "number"]): self.condition()}}}),
            6 => json!({self.path(): self.condition(), "n": self.condition()}),
            _ => json!({self.path(): self.condition()}),
        }
    }

    fn expression(&mut self) -> Value {
        let path = format!("${}", self.path());
        match self.below(5) {
            0 => json!({"$eq": [path, self.value()]}),
            1 => json!({"$eq": [format!("$${path}").replace("$$$", "$$ROOT."), "ann"]}),
            2 => json!({"$gt": [path, self.below(4)]}),
            3 => json!({"$in": ["ann", {"$map": {"input": {"$objectToArray": "$$ROOT"}, "in": "$$this.v"}}]}),
            _ => json!({"$eq": [{"$type": path}, "string"]}),
        }
    }

    fn stage(&mut self, depth: u64) -> Value {
        let path = format!("${}", self.path());
        match self.below(if depth > 0 { 12 } else { 7 }) {
            0 | 1 => json!({"$match": self.filter(1)}),
            2 => json!({"$addFields": {"x": path}}),
            3 => json!({"$project": {"n": 1, "owner": 1, "x": path}}),
            4 => json!({"$addFields": {"all": {"$objectToArray": "$$ROOT"}}}),
            5 => json!({"$unset": self.one(&["n", "note", "tags"])}),
            6 => json!({"$sort": {"_id": self.one(&[1, -1])}}),
            7 => json!({"$group": {"_id": "$owner", "count": {"$sum": 1}}}),
            8 => json!({"$lookup": {"from": self.one(&["orders", "notes", "open"]), "localField": "n",
                "foreignField": self.one(&["n", "_id", "note"]), "as": "found"}}),
            9 => json!({"$lookup": {"from": self.one(&["orders", "notes"]), "let": {"o": "$owner"},
                "pipeline": [{"$match": {"$expr": {"$eq": ["$owner", "$$o"]}}}, self.stage(0), {"$sort": {"_id": 1}}],
                "as": "found"}}),
            10 => json!({"$unionWith": {"coll": self.one(&["orders", "notes", "open"]), "pipeline": [self.stage(0)]}}),
            _ => json!({"$facet": {"f": [self.stage(0), {"$sort": {"_id": 1}}]}}),
        }
    }

    fn update(&mut self) -> Value {
        let path = self.one(&["n", "note", "x.y", "card.brand", "owner", "secret", "card", "tags"]);
        match self.below(7) {
            0..3 => json!({"$set": {path: self.value()}}),
            3 => json!({"$unset": {path: 1}}),
            4 => json!({"$rename": {path: "moved"}}),
            5 => json!({"$set": {"owner": "ann", "n": self.below(9)}}),
            _ => json!([{"$set": {path: self.value()}}]),
        }
    }

    fn request(&mut self, new_id: u64) -> (&'static str, Value) {
        let filter = self.filter(2);
        match self.below(23) {
            0..5 => {
                let projection = self.one(&[json!(null), json!({"n": 1, "card": 1}), json!({"owner": 0})]);
                let mut fields = json!({"filter": filter, "sort": {"_id": self.one(&[1, -1])}});
                if self.below(2) == 0 {
                    fields["limit"] = json!(self.below(4) + 1);
                    fields["skip"] = json!(self.below(3));
                }
                if !projection.is_null() {
                    fields["projection"] = projection;
                }
                ("find", fields)
            }
            5 => ("findOne", json!({"filter": filter, "sort": {self.path(): 1, "_id": 1}})),
            6..13 => {
                let mut stages: Vec<Value> = (0..self.below(4)).map(|_| self.stage(1)).collect();
                stages.push(json!({"$sort": {"_id": 1, "n": 1, "note": 1, "owner": 1, "tags": 1}}));
                ("aggregate", json!({"pipeline": stages}))
            }
            13 => ("insertOne", json!({"document": self.document(new_id)})),
            14 => ("updateOne", json!({"filter": {"_id": self.below(20)}, "update": self.update()})),
            15 | 16 => ("updateMany", json!({"filter": filter, "update": self.update()})),
            17 => {
                let filter = json!({"_id": self.one(&[self.0 % 20, new_id])});
                ("updateOne", json!({"filter": filter, "update": self.update(), "upsert": true}))
            }
            18 => {
                let mut replacement = self.document(new_id);
                replacement.as_object_mut().unwrap().remove("_id");
                ("replaceOne", json!({"filter": {"_id": self.below(20)}, "replacement": replacement}))
            }
            19 => {
                let mut fields =
                    json!({"filter": filter, "update": self.update(), "sort": {"_id": self.one(&[1, -1])}});
                fields["returnNewDocument"] = json!(self.below(2) == 0);
                ("findOneAndUpdate", fields)
            }
            20 => {
                let mut replacement = self.document(new_id);
                replacement.as_object_mut().unwrap().remove("_id");
                let filter = json!({"_id": self.below(20)});
                let new = self.below(2) == 0;
                ("findOneAndReplace", json!({"filter": filter, "update": replacement, "returnNewDocument": new}))
            }
            21 => {
                let mut fields = json!({"filter": filter, "sort": {self.path(): self.one(&[1, -1]), "_id": 1}});
                if self.below(2) == 0 {
                    fields["projection"] = self.one(&[json!({"n": 1, "card": 1}), json!({"secret": 0})]);
                }
                ("findOneAndDelete", fields)
            }
            _ => ("deleteMany", json!({"filter": {"$and": [{"_id": {"$lt": self.below(6)}}, filter]}})),
        }
    }
}

/// With all lists sorted: documents that a pipeline does not tell apart come in any order.
fn in_order(value: Value) -> Value {
    match value {
        Value::Array(elements) => {
            let mut elements: Vec<Value> = elements.into_iter().map(in_order).collect();
            elements.sort_by_key(Value::to_string);
            Value::Array(elements)
        }
        Value::Object(fields) => fields.into_iter().map(|(name, value)| (name, in_order(value))).collect(),
        value => value,
    }
}

fn is_anns(document: &Value) -> bool {
    document["owner"] == "ann" || document["owner"].as_array().is_some_and(|all| all.contains(&json!("ann")))
}

/// What ann may see of a document of a collection.
fn seen(collection: &str, document: &Value) -> Option<Value> {
    if collection == "open" {
        return Some(document.clone());
    }
    let mut seen = document.clone();
    if collection == "orders" {
        seen.as_object_mut().unwrap().remove("secret");
        let without_number = |card: &mut Value| card.as_object_mut().map(|card| card.remove("number"));
        match seen.get_mut("card") {
            Some(Value::Array(cards)) => cards.iter_mut().for_each(|card| drop(without_number(card))),
            Some(card) => drop(without_number(card)),
            None => {}
        }
    }
    is_anns(document).then_some(seen)
}

fn all_seen(collection: &str, documents: &[Value]) -> Vec<Value> {
    documents.iter().filter_map(|document| seen(collection, document)).collect()
}

#[test]
fn as_in_a_database_that_holds_only_what_ann_may_see() {
    let restricted = Restricted::start();
    let real = restricted.bridge.database.clone();
    let model = format!("{real}_model");
    let collections = ["orders", "notes", "open"];
    let mut answered = 0;
    for seed in 0..CASES {
        let mut random = Random(seed);
        let collection = random.one(&["orders", "orders", "notes", "notes", "open"]);
        let (action, fields) = random.request(1000 + seed);
        // A fresh start now and then; writes leave enough to see in between.
        if seed % 10 == 0 {
            for collection in collections {
                let documents: Vec<Value> = (0..14).map(|id| random.document(id)).collect();
                restricted.fill(&real, collection, &json!(documents));
                restricted.fill(&model, collection, &json!(all_seen(collection, &documents)));
            }
        }
        let before: Vec<_> = collections.iter().map(|collection| restricted.all(&real, collection)).collect();
        let case = format!("seed {seed}: {action} {collection} {fields}");
        let found = restricted.post(restricted.ann(), &real, action, collection, fields.clone());
        let after: Vec<_> = collections.iter().map(|collection| restricted.all(&real, collection)).collect();
        if found.status == 403 {
            assert_eq!(before, after, "{case}: {found:?}");
            continue;
        }
        let mut fields = fields;
        if fields["upsert"] == true && collection != "open" && fields["update"].pointer("/$set/owner").is_none() {
            // In a database of ann's own all that is new would be hers.
            fields["update"]["$setOnInsert"] = json!({"owner": "ann"});
            fields["filter"] = json!({"$and": [{"owner": "ann"}, fields["filter"]]});
        }
        let expected = restricted.post(restricted.admin(), &model, action, collection, fields);
        // An `_id` that is bob's is taken, which an insert cannot hide.
        let taken = found.text.contains("\"code\":11000") && matches!(action, "insertOne" | "updateOne");
        if taken && expected.status != found.status {
            assert_eq!(before, after, "{case}: {found:?}");
            restricted.fill(&model, collection, &json!(all_seen(collection, &restricted.all(&real, collection))));
            continue;
        }
        assert_eq!(found.status, expected.status, "{case}: {found:?} {expected:?}");
        if found.status < 300 {
            let compared = |reply: &Reply| match action {
                "aggregate" => in_order(reply.json()),
                _ => reply.json(),
            };
            assert_eq!(compared(&found), compared(&expected), "{case}");
            answered += 1;
        }
        for (collection, (before, after)) in collections.iter().zip(before.iter().zip(&after)) {
            assert_eq!(all_seen(collection, after), restricted.all(&model, collection), "{case}: {collection}");
            let others = |documents: &[Value]| -> Vec<Value> {
                documents.iter().filter(|document| !is_anns(document)).cloned().collect()
            };
            if *collection != "open" {
                assert_eq!(others(before), others(after), "{case}: {collection}");
            }
        }
    }
    assert!(answered > CASES / 2, "{answered} of {CASES} were answered");
}
