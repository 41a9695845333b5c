-- A row of each of two tenants in every table, for queries that must show one and not the other.
INSERT INTO properties (organization_id, id, reference, title, price, city)
SELECT organization_id, organization_id, name, name, 1, name FROM organizations;
INSERT INTO property_images (organization_id, property_id, object_key, content_type, bytes)
SELECT organization_id, organization_id, name, 'image/png', 1 FROM organizations;
INSERT INTO documents (organization_id, title, object_key, content_type, bytes)
SELECT organization_id, name, name, 'text/plain', 1 FROM organizations;
INSERT INTO leads (organization_id, id, property_id, name, email)
SELECT organization_id, organization_id, organization_id, name, name || '@example.org' FROM organizations;
INSERT INTO notifications (organization_id, lead_id, channel, recipient)
SELECT organization_id, organization_id, 'email', name FROM organizations;
INSERT INTO activities (organization_id, writer, seq, previous_hash, payload_hash, payload)
SELECT organization_id, name, 1, '', '', name FROM organizations;
INSERT INTO events (organization_id, kind)
SELECT organization_id, name FROM organizations;
