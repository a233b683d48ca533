//! The seed data that ships with the service: what `initDB` puts into a collection.

use crate::database::Document;

/// The collections that have seed data.
const SEEDS: [(&str, &str); 2] = [("games", include_str!("games.json")), ("clients", include_str!("clients.json"))];

/// The seed documents of a collection, each with its `_id`, or `None` where it has none.
pub fn documents(collection: &str) -> Option<Vec<Document>> {
    let (_, json) = SEEDS.iter().find(|(name, _)| *name == collection)?;
    serde_json::from_str(json).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::object_id::ObjectId;

    #[test]
    fn games_have_the_seven_fields_of_the_contract() {
        let games = documents("games").unwrap();
        assert_eq!(games.len(), 8);
        for game in &games {
            let fields: Vec<_> = game.keys().map(String::as_str).collect();
            let wanted = "_id item publisher year genre available price platforms";
            assert_eq!(fields.join(" "), wanted);
            assert!(game["year"].is_i64() && game["available"].is_i64() && game["price"].is_f64());
        }
        assert_eq!(
            serde_json::to_string(&games[0]).unwrap(),
            r#"{"_id":"5a1f00000000000000000001","item":"Black Ops 2","publisher":"Treyarch","year":2002,"genre":["FPS"],"available":35,"price":29.99,"platforms":["PS3","PC","Xbox","WII"]}"#
        );
        assert!(games.iter().any(|game| game["item"] == "The Legend of Zelda"
            && game["publisher"] == "Nintendo"
            && game["year"] == 2017));
    }

    #[test]
    fn every_seed_has_an_id_of_its_own_in_insertion_order() {
        for (collection, _) in SEEDS {
            let ids: Vec<_> = documents(collection)
                .unwrap()
                .iter()
                .map(|document| ObjectId::parse(document["_id"].as_str().unwrap()).unwrap())
                .collect();
            assert!(ids.len() >= 6 && ids.is_sorted_by(|a, b| a < b));
        }
    }

    #[test]
    fn a_collection_without_seed_data_has_none() {
        assert_eq!(documents("orders"), None);
    }
}
