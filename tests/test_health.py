def test_health_is_public(client, db):
    response = client.get("/health")

    assert response.status_code == 200
    assert response.json() == {"status": "healthy"}
